r"""The best mask: how far to trust each position, and what that gains.

A mask need not be one bit a position.  Let it weigh every position by a function of
what it observes there, y, and let y have the density f_1 on the object and f_0
elsewhere.  With omega the occupancy, all positions together have the density
``h = omega f_1 + (1 - omega) f_0``, and the posterior ``omega f_1 / h`` is the
probability that a position belongs to the object.  Weights proportional to it gain
most; the functions below say how much.

Unless a function says otherwise, y is a response in units of its standard deviation:
normal around the detectability d on the object and around zero elsewhere.  Model and
arguments are those of :mod:`gradmask.theory.rates`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gradmask.theory._broadcast import Values, closed_form, density, tensors

__all__ = [
    "best_threshold",
    "posterior",
    "posterior_variance",
    "soft_gain",
    "wiener_factor",
]


@closed_form
def posterior(response: Values, detectability: Values, occupancy: Values) -> Tensor:
    r"""Probability that a position with this response belongs to the object.

    .. math:: \mathrm{P}(\Omega \mid y)
              = \frac{1}{1 + \frac{1 - \omega}{\omega}\, e^{-d y + d^2 / 2}}

    Parameters
    ----------
    response : number, array or tensor
        y, in units of its standard deviation.
    detectability : number, array or tensor
        d, the mean of y on the object; elsewhere it is zero.
    occupancy : number, array or tensor
        omega, the object's share of the noise's energy, in (0, 1].

    Returns
    -------
    float or tensor
        The probability.  A mask weighs positions by it, or by its ratio to omega,
        whose mean is one.

    Raises
    ------
    ValueError
        If the occupancy is outside (0, 1].

    Examples
    --------
    >>> posterior(1.0, 2.0, 0.25)
    0.25
    """
    y, d, omega = tensors(response, detectability, occupancy)
    _check_occupancy(omega)
    return torch.sigmoid(d * y - d.square() / 2 + omega.logit())


@closed_form
def posterior_variance(detectability: Values, occupancy: Values) -> Tensor:
    r"""How much a response says of where the object is: V, and 1 + V is the best gain.

    .. math:: V = \frac{\mathrm{Var}_h\, \mathrm{P}(\Omega \mid y)}{\omega^2}
              = \int \frac{f_1^2}{h}\, dy - 1

    No weighing of positions by y gains more than 1 + V, and the posterior does
    (where its own fluctuation is negligible, :func:`soft_gain`).  V is zero if y says
    nothing, and at most 1 / omega - 1, which a perfect mask reaches.

    Parameters
    ----------
    detectability : number, array or tensor
        d, of either sign.
    occupancy : number, array or tensor
        omega, in (0, 1].

    Returns
    -------
    float or tensor
        V, integrated by the trapezoidal rule.

    Raises
    ------
    ValueError
        If the occupancy is outside (0, 1].

    Notes
    -----
    V is the chi-squared divergence of the object's density from that of all positions.
    For a small object, omega -> 0, it is :math:`e^{d^2} - 1`; for a weak response,
    :math:`(1 - \omega)^2 d^2`.

    Examples
    --------
    >>> round(1 + posterior_variance(2.0, 0.1), 2)
    4.7
    >>> round(1 + posterior_variance(0.0, 0.1), 2)
    1.0
    """
    d, omega = tensors(detectability, occupancy)
    _check_occupancy(omega)
    d, omega = (t[..., None] for t in torch.broadcast_tensors(d, omega))
    unit = torch.linspace(0, 1, 2001, dtype=d.dtype, device=d.device)
    y = d.clamp(max=0) - 9 + (d.abs() + 18) * unit
    excess = torch.sigmoid(d * y - d.square() / 2 + omega.logit()) / omega - 1
    everywhere = omega * density(y - d) + (1 - omega) * density(y)
    return torch.trapezoid(everywhere * excess.square(), y)


@closed_form
def wiener_factor(variance: Values, fluctuation: Values) -> Tensor:
    r"""How far a mask should follow the posterior, given that weights fluctuate.

    .. math:: \alpha^* = \frac{V}{V + \varphi_1}

    The weights ``1 + alpha (posterior / omega - 1)`` have mean one for every alpha.
    This alpha gains most of them.  It is a Wiener filter's: what the weights say, over
    what they say and how they fluctuate.

    Parameters
    ----------
    variance : number, array or tensor
        V, as :func:`posterior_variance`.
    fluctuation : number, array or tensor
        phi_1, that of the weights ``posterior / omega``:
        ``lambda Var(sum of weights over the object) / n`` for n positions.

    Returns
    -------
    float or tensor
        alpha*, from 0, ignore the posterior, to 1, follow it.

    Raises
    ------
    ValueError
        If an argument is negative.

    Examples
    --------
    >>> wiener_factor(1.5, 0.5)
    0.75
    """
    v, noise = _checked(variance, fluctuation)
    return v / (v + noise)


@closed_form
def soft_gain(
    variance: Values, fluctuation: Values = 0.0, factor: Values | None = None
) -> Tensor:
    r"""What a soft mask multiplies the signal-to-noise ratio by: never less than one.

    .. math:: 1 + \frac{V^2}{V + \varphi_1}, \qquad\text{or, with any } \alpha, \qquad
              \frac{(1 + \alpha V)^2}{1 + \alpha^2 (V + \varphi_1)}

    for the weights ``1 + alpha (posterior / omega - 1)``.

    Parameters
    ----------
    variance, fluctuation : number, array or tensor
        V and phi_1, as in :func:`wiener_factor`.
    factor : number, array or tensor, default :func:`wiener_factor`
        alpha; with 1 the weights are the posterior's, with 0 there is no mask.

    Returns
    -------
    float or tensor
        The gain: without a fluctuation 1 + V.

    Raises
    ------
    ValueError
        If the variance or the fluctuation is negative.

    Examples
    --------
    >>> soft_gain(1.5), soft_gain(1.5, 0.5), soft_gain(1.5, 13.5, factor=1.0)
    (2.5, 2.125, 0.390625)
    """
    v, noise = _checked(variance, fluctuation)
    if factor is None:
        factor = torch.where(v > 0, v / (v + noise), 0)
    (alpha,) = tensors(factor)
    return (1 + alpha * v).square() / (1 + alpha.square() * (v + noise))


@closed_form
def best_threshold(detectability: Values, occupancy: Values) -> Tensor:
    r"""Threshold of the best mask that only keeps or drops.

    A binary mask gains most where it keeps the positions whose posterior exceeds half
    of the mask's own precision,

    .. math:: \mathrm{P}(\Omega \mid y) >
              \frac12 \cdot \frac{\omega p}{\omega p + (1 - \omega) q},

    the share of the kept noise that lies on the object.

    Parameters
    ----------
    detectability : number, array or tensor
        d, positive.
    occupancy : number, array or tensor
        omega, in (0, 1).

    Returns
    -------
    float or tensor
        theta, in standard deviations of the response.  It falls to minus infinity with
        d: a mask that sees little should keep nearly all.

    Raises
    ------
    ValueError
        If a detectability is not positive or an occupancy outside (0, 1).

    Notes
    -----
    The precision lies between the occupancy and one, so the posterior at the threshold
    lies between half the occupancy and one half: there the bisection begins.

    Examples
    --------
    >>> round(best_threshold(2.0, 0.1), 3)
    1.67
    """
    d, omega = tensors(detectability, occupancy)
    _check_occupancy(omega)
    if not ((d > 0).all() and (omega < 1).all()):
        raise ValueError(
            "a threshold needs a positive detectability and an occupancy below 1, "
            f"got {d.tolist()} and {omega.tolist()}"
        )
    prior = omega.logit()
    low = d / 2 + ((omega / 2).logit() - prior) / d
    high = d / 2 - prior / d
    for _ in range(60):
        theta = (low + high) / 2
        odds = torch.special.log_ndtr(d - theta) - torch.special.log_ndtr(-theta)
        precision = torch.sigmoid(odds + prior)
        above = torch.sigmoid(d * theta - d.square() / 2 + prior) > precision / 2
        low, high = torch.where(above, low, theta), torch.where(above, theta, high)
    return (low + high) / 2


def _check_occupancy(omega: Tensor) -> None:
    if not ((omega > 0) & (omega <= 1)).all():
        raise ValueError(f"occupancy must lie in (0, 1], got {omega.tolist()}")


def _checked(variance: Values, fluctuation: Values) -> tuple[Tensor, ...]:
    v, noise = tensors(variance, fluctuation)
    for name, t in ("variance", v), ("fluctuation", noise):
        if not (t >= 0).all():
            raise ValueError(f"{name} must not be negative, got {t.tolist()}")
    return v, noise
