"""Closed forms of the analysis: what a mask keeps, and what that gains.

The model: a convolution's weight gradient of one sample is
``g = sum_x delta(x) a(x)^T`` with ``delta = s + eta``.  The signal s is the same in
every sample and lives on the object; the noise eta is isotropic, independent over
positions and samples, and of variance ``tau^2`` in each of C channels.  The quality
of a gradient is its signal-to-noise ratio, ``SNR = ||E g||^2 / E||g - E g||^2``.

Arguments are numbers, arrays or tensors that broadcast.  Where all are numbers the
result is a float, otherwise a tensor.  Thresholds are in units of the standard
deviation of the response to noise; :func:`noise_threshold` converts a mask's own.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gradmask.theory._broadcast import (
    Values,
    check_channels,
    closed_form,
    density,
    distribution,
    tensors,
)

__all__ = [
    "false_alarm_rate",
    "hit_rate",
    "noise_selection",
    "selected_false_alarm_rate",
    "selected_hit_rate",
    "snr_gain",
]


@closed_form
def snr_gain(
    hit_rate: Values,
    false_alarm_rate: Values,
    occupancy: Values,
    *,
    fluctuation: Values = 0.0,
) -> Tensor:
    r"""What a mask multiplies the signal-to-noise ratio of a weight gradient by.

    .. math:: \frac{\mathrm{SNR}'}{\mathrm{SNR}}
              = \frac{p^2}{\omega p + (1 - \omega) q + \varphi}

    A random mask (p = q < 1) gains p and so always hurts; a perfect one (p = 1,
    q = 0) gains 1 / omega; a mask helps if and only if
    p^2 > omega p + (1 - omega) q.  Behind a batch normalisation the gain is that of
    :func:`gradmask.theory.normalised_gain`.

    Parameters
    ----------
    hit_rate : number, array or tensor
        p, the share of the object's positions that are kept.
    false_alarm_rate : number, array or tensor
        q, the same outside the object.
    occupancy : number, array or tensor
        omega, the object's share of the noise that reaches the weights, in [0, 1]:
        its share of the area if activations are equally strong everywhere.
    fluctuation : number, array or tensor, default 0
        Noise that the mask adds by varying between samples, ``lambda * omega *
        Var(K) / |object|`` with K the number of kept positions of the object:
        ``lambda * omega * p * (1 - p)`` for independent bits.  It may be below zero
        for a mask that looks at the noise (:func:`gradmask.theory.predict_gain`).

    Returns
    -------
    float or tensor
        The gain; nan for a mask that keeps nothing.

    Raises
    ------
    ValueError
        If the occupancy is outside [0, 1], a rate negative, or a fluctuation so far
        below zero that the noise would be.

    Notes
    -----
    Exact for a mask that does not look at the noise.  For a lateral mask put what
    :func:`gradmask.theory.predict_gain` returns; :func:`selected_hit_rate` and
    :func:`selected_false_alarm_rate` are the first order of it.

    A part of the signal that varies from sample to sample, but not within the object,
    is noise that no mask removes: with beta its variance over the noise's in the plain
    gradient, the gain is ``p^2 (1 + beta) / (denominator + beta p^2)``.  Noise that
    is correlated over patches of A positions, small compared with the object, turns a
    rate p of the denominator into ``(p + (A - 1) p^2) / A`` for independent bits: a
    random mask then averages what it drops from what it keeps, and hurts less.

    Examples
    --------
    >>> snr_gain(1.0, 0.0, 0.25)
    4.0
    >>> snr_gain(torch.tensor([0.5, 1.0]), 0.5, 0.5)
    tensor([0.5000, 1.3333])
    """
    p, q, omega, noise = tensors(hit_rate, false_alarm_rate, occupancy, fluctuation)
    for name, t in ("hit_rate", p), ("false_alarm_rate", q):
        if (t < 0).any():
            raise ValueError(f"{name} must not be negative, got {t.tolist()}")
    if ((omega < 0) | (omega > 1)).any():
        raise ValueError(f"occupancy must lie in [0, 1], got {omega.tolist()}")
    kept = omega * p + (1 - omega) * q + noise
    if (kept < 0).any():
        raise ValueError(f"fluctuation leaves less than no noise: {noise.tolist()}")
    return p.square() / kept


@closed_form
def false_alarm_rate(threshold: Values) -> Tensor:
    r"""Share of background positions that a balanced mask keeps.

    .. math:: q = 1 - \Phi(\theta)

    Far from every object, where the response is noise alone; next to an object the
    surround pushes it lower (:func:`detectability_map`).

    Parameters
    ----------
    threshold : number, array or tensor
        In standard deviations of the response to noise.

    Returns
    -------
    float or tensor
        The rate.

    Examples
    --------
    >>> false_alarm_rate(0.0)
    0.5
    """
    d, theta = tensors(0.0, threshold)
    return distribution(d - theta)


@closed_form
def hit_rate(detectability: Values, threshold: Values) -> Tensor:
    r"""Share of samples in which a position of given detectability is kept.

    .. math:: p = \Phi(d - \theta)

    Parameters
    ----------
    detectability : number, array or tensor
        d, the mean of the response over its standard deviation; below zero in the
        ring around an object.
    threshold : number, array or tensor
        In standard deviations of the response.

    Returns
    -------
    float or tensor
        The rate.

    Examples
    --------
    >>> hit_rate(2.0, 2.0)
    0.5
    """
    d, theta = tensors(detectability, threshold)
    return distribution(d - theta)


@closed_form
def noise_selection(threshold: Values, centre: Values, channels: Values) -> Tensor:
    r"""Excess energy of the background noise that a mask keeps.

    A mask that looks at the noise keeps the stronger part of it: noise that is kept
    has ``1 + kappa`` times the energy of all noise,

    .. math:: \kappa = k(0) \sqrt{2/C}\, h + \frac{k(0)^2\, \theta h}{2 C},
              \qquad h = \frac{\Phi'(\theta)}{1 - \Phi(\theta)},

    which is :math:`2 k(0) / \sqrt{\pi C}` at threshold zero, with
    :math:`\pi = 3.14\ldots`.  The first term is that of first order in
    :math:`1/\sqrt{C}`; the other is one of several of the second order, those of the
    energy's skewness being left out.

    Parameters
    ----------
    threshold : number, array or tensor
        theta, in standard deviations of the response to noise.  Where the response
        has a mean d, subtract it.
    centre : number, array or tensor
        k(0), the central weight of a kernel of unit norm.
    channels : number, array or tensor
        C, the number of channels.

    Returns
    -------
    float or tensor
        kappa.

    Examples
    --------
    >>> round(noise_selection(0.0, 0.7, 32), 4)
    0.1396
    """
    theta, peak, n = tensors(threshold, centre, channels)
    check_channels(n)
    tail: Tensor = torch.special.erfcx(theta * math.sqrt(0.5))
    hazard = math.sqrt(2 / math.pi) / tail
    return peak * (2 / n).sqrt() * hazard + peak.square() * theta * hazard / (2 * n)


@closed_form
def selected_false_alarm_rate(
    threshold: Values, centre: Values, channels: Values
) -> Tensor:
    r"""Share of the background noise's energy that a mask keeps.

    .. math:: \tilde q = q (1 + \kappa)

    with kappa of :func:`noise_selection`, and at most one.

    Parameters
    ----------
    threshold, centre, channels : number, array or tensor
        As in :func:`noise_selection`.

    Returns
    -------
    float or tensor
        The share.

    Examples
    --------
    >>> round(selected_false_alarm_rate(0.0, 0.7, 32), 4)
    0.5698
    """
    theta, peak, n = tensors(threshold, centre, channels)
    share = false_alarm_rate(theta) * (1 + noise_selection(theta, peak, n))
    return share.clamp(max=1)


@closed_form
def selected_hit_rate(
    detectability: Values,
    threshold: Values,
    centre: Values,
    channels: Values,
    strength: Values,
) -> Tensor:
    r"""Share of the signal, and of the noise's energy on the object, that a mask keeps.

    What the mask keeps of the object is stronger than the rest, too:

    .. math:: \tilde p = \Phi(d - \theta) + k(0) \sqrt{\frac{2}{C}}\,
              \frac{\Phi'(d - \theta)}{\sqrt{1 + 2 \lambda}},

    and at most one, to first order in :math:`1/\sqrt{C}`, where the object fills the
    kernel.

    Parameters
    ----------
    detectability, threshold : number, array or tensor
        As in :func:`hit_rate`.
    centre, channels : number, array or tensor
        As in :func:`noise_selection`.
    strength : number, array or tensor
        lambda, the signal's energy over the noise's at a position of the object.

    Returns
    -------
    float or tensor
        The share.

    Examples
    --------
    >>> round(selected_hit_rate(1.0, 0.0, 0.7, 32, strength=0.2), 4)
    0.8771
    """
    d, theta, peak, n, strong = tensors(
        detectability, threshold, centre, channels, strength
    )
    check_channels(n)
    if (strong < 0).any():
        raise ValueError(f"strength must not be negative, got {strength}")
    t = d - theta
    boost = peak * (2 / n).sqrt() * density(t) / (1 + 2 * strong).sqrt()
    return (distribution(t) + boost).clamp(max=1)
