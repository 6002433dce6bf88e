r"""From the signal-to-noise ratio to the loss, and where a binary mask begins to harm.

Where the loss is smooth, the agreement of a mean gradient with the true one decides how
far one step lowers it (:func:`agreement`, :func:`guaranteed_drop`).  A balanced kernel
at threshold zero keeps half of everything, so its gain is known from its hit rate alone
(:func:`half_gain`), and so is the strength below which it harms
(:func:`critical_strength`).

Model and notation are those of :mod:`gradmask.theory.rates`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gradmask.functional import lateral_response
from gradmask.theory._broadcast import Values, check_channels, closed_form, tensors
from gradmask.theory._response import as_object

__all__ = ["agreement", "critical_strength", "guaranteed_drop", "half_gain"]

_HALF_HELPS = 0.5449521356173604  # Where the normal distribution is the root of a half.


@closed_form
def agreement(snr: Values, batch: Values = 1.0, cosine: Values = 1.0) -> Tensor:
    r"""Agreement of a batch's mean gradient with the true one.

    .. math:: A_B = \frac{\langle G, \mathrm{E} \bar g \rangle^2}
              {\lVert G \rVert^2\, \mathrm{E} \lVert \bar g \rVert^2}
              = c^2\, \frac{B\, \mathrm{SNR}}{1 + B\, \mathrm{SNR}}

    Parameters
    ----------
    snr : number, array or tensor
        Signal-to-noise ratio of one sample's gradient, masked or not.
    batch : number, array or tensor, default 1
        B, the number of samples.
    cosine : number, array or tensor, default 1.0
        c, between the expected gradient and the true one, positive: a step along a
        gradient that points away from the true one promises nothing.

    Returns
    -------
    float or tensor
        Between 0 and 1.

    Raises
    ------
    ValueError
        If a signal-to-noise ratio is negative, a batch below 1 or a cosine outside
        (0, 1].

    Examples
    --------
    >>> agreement(0.25, batch=4), agreement(0.25, batch=4, cosine=0.5)
    (0.5, 0.125)
    """
    s, b, c = tensors(snr, batch, cosine)
    if not (s >= 0).all():
        raise ValueError(f"snr must not be negative, got {s.tolist()}")
    if not (b >= 1).all():
        raise ValueError(f"batch must be at least 1, got {b.tolist()}")
    if not ((c > 0) & (c <= 1)).all():
        raise ValueError(f"cosine must lie in (0, 1], got {c.tolist()}")
    return c.square() / (1 + 1 / (b * s))


@closed_form
def guaranteed_drop(
    gradient_energy: Values, agreement: Values, smoothness: Values
) -> Tensor:
    r"""How far one step of the best length lowers a smooth loss in the mean, at least.

    .. math:: \frac{\lVert G \rVert^2}{2 \ell}\, A_B

    for a loss whose gradient changes by at most :math:`\ell` times the distance.  It is
    exact where the Hessian is :math:`\ell` times the identity.

    Parameters
    ----------
    gradient_energy : number, array or tensor
        The squared length of the true gradient G.
    agreement : number, array or tensor
        A_B, of :func:`agreement`.
    smoothness : number, array or tensor
        l, the largest curvature, positive.

    Returns
    -------
    float or tensor
        The drop, in units of the loss.

    Raises
    ------
    ValueError
        If the smoothness is not positive.

    Examples
    --------
    >>> guaranteed_drop(4.0, 0.5, smoothness=2.0)
    0.5
    """
    energy, a, steep = tensors(gradient_energy, agreement, smoothness)
    if not (steep > 0).all():
        raise ValueError(f"smoothness must be positive, got {steep.tolist()}")
    return energy * a / (2 * steep)


@closed_form
def half_gain(hit_rate: Values, selection: Values = 0.0) -> Tensor:
    r"""Gain of a balanced mask at threshold zero, which keeps half of everything.

    .. math:: \gamma \approx \frac{2 \tilde p^2}{1 + \kappa}

    So it helps if and only if :math:`\tilde p > \sqrt{(1 + \kappa)/2}`, about 0.71,
    whatever the object's size.

    Parameters
    ----------
    hit_rate : number, array or tensor
        The share of the signal that is kept, selection included.
    selection : number, array or tensor, default 0.0
        kappa, of :func:`noise_selection` at threshold zero.

    Returns
    -------
    float or tensor
        The gain, without the fluctuation.

    Notes
    -----
    To leading order in the detectability.  A strong object keeps less of its noise
    than the ring around it drops, so the mask keeps less than half of all, and gains
    more than this.

    Examples
    --------
    >>> half_gain(1.0), half_gain(0.5)
    (2.0, 0.5)
    """
    p, kappa = tensors(hit_rate, selection)
    return 2 * p.square() / (1 + kappa)


def critical_strength(kernel: Tensor, support: Any, channels: int) -> float:
    r"""Strength of the signal below which a balanced mask at threshold zero harms.

    .. math:: \lambda_c \approx \frac{\Phi^{-1}(1 / \sqrt 2)}
              {\sqrt{C/2}\;\, \overline{(k * 1_\Omega)}_\Omega}
              = \frac{0.545}{\sqrt{C/2}\;\, \overline{(k * 1_\Omega)}_\Omega}

    The mean is over the object, and the kernel of unit norm.  By :func:`half_gain` the
    mask helps if it keeps more than a root of a half of the object; a weak signal is
    detected with :math:`d \approx \lambda \sqrt{C/2}\; (k * 1_\Omega)`.

    Parameters
    ----------
    kernel : Tensor
        Odd square kernel of sum zero, of any norm.
    support : (H, W) array or tensor
        True on the object.
    channels : int
        C, the number of channels.

    Returns
    -------
    float
        lambda_c, infinite where the response to the object is not positive.

    Raises
    ------
    ValueError
        If the kernel is not balanced, or the support is not a map, absent, or the
        whole map.

    Notes
    -----
    It leaves out selection, which lowers the true value, and the fluctuation and the
    differences of d over the object, which raise it: it is up to a sixth too small.
    The strength at which :func:`predict_gain` is one is more exact.

    Examples
    --------
    >>> from gradmask import laplacian_of_gaussian
    >>> support = torch.zeros(15, 15)
    >>> support[6:9, 6:9] = 1
    >>> round(critical_strength(laplacian_of_gaussian(1.4), support, channels=32), 3)
    0.084
    """
    check_channels(torch.tensor(channels))
    on = as_object(support)
    k = kernel.double() / kernel.double().norm()
    if abs(k.sum()) > 1e-4:
        raise ValueError(f"the kernel must be balanced, its sum is {k.sum().item():g}")
    seen = lateral_response(on[None, None].double(), k)[0, 0][on].mean().item()
    if seen <= 0:
        return math.inf
    return _HALF_HELPS / (math.sqrt(channels / 2) * seen)
