"""Where the model's assumptions fail: the corrections that have a closed form.

Numbers, arrays and tensors are taken and returned as in :mod:`gradmask.theory.rates`,
whose model and notation these functions share.
"""

from __future__ import annotations

from torch import Tensor

from gradmask.theory._broadcast import Values, closed_form, tensors

__all__ = [
    "break_even_batch",
    "correlated_rate",
    "effective_channels",
    "varying_signal_gain",
]


@closed_form
def correlated_rate(rate: Values, area: Values) -> Tensor:
    r"""Share of noise that independent bits keep of noise correlated over positions.

    .. math:: \frac{r + (A - 1) r^2}{A}, \qquad A = \sum_x \rho(x)

    To be put in the place of the rates in the denominator of :func:`snr_gain`, where
    A is small compared with the object.

    Parameters
    ----------
    rate : number, array or tensor
        r, the share of positions that are kept, each on its own.
    area : number, array or tensor
        A, the sum of the noise's correlation over all displacements: 1 for white
        noise.

    Returns
    -------
    float or tensor
        From r at A = 1 to r^2 for large A, where a random mask costs nothing.

    Examples
    --------
    >>> correlated_rate(0.5, 1.0), correlated_rate(0.5, 5.0)
    (0.5, 0.3)
    """
    r, a = tensors(rate, area)
    return (r + (a - 1) * r.square()) / a


def effective_channels(variances: Values) -> float:
    r"""Channels that noise of unequal variances amounts to, for the mask's detector.

    .. math:: C_{\mathrm{eff}} = \frac{(\sum_c \tau_c^2)^2}{\sum_c \tau_c^4}

    Isotropic noise in so many channels has an energy e^2 of the same mean and
    variance.

    Parameters
    ----------
    variances : array or tensor
        The noise's variance in each channel, or along each principal axis.

    Returns
    -------
    float
        Between 1 and the number of channels.

    References
    ----------
    Satterthwaite, *An approximate distribution of estimates of variance components*,
    Biometrics Bulletin 2, 1946, for the match of two moments.

    Examples
    --------
    >>> effective_channels([1.0, 1.0, 1.0]), effective_channels([1.0, 0.0, 0.0])
    (3.0, 1.0)
    """
    (v,) = tensors(variances)
    return float(v.sum().square() / v.square().sum())


@closed_form
def varying_signal_gain(gain: Values, hit_rate: Values, variation: Values) -> Tensor:
    r"""Gain where a part of the signal varies from sample to sample.

    .. math:: \frac{p^2 (1 + \beta)}{D + \beta p^2}, \qquad D = p^2 / \mathrm{gain}

    The varying part is noise that shares the object's positions, and that no mask
    therefore removes.

    Parameters
    ----------
    gain : number, array or tensor
        Without the variation, of a mask with the same hit rate.
    hit_rate : number, array or tensor
        p, which signal and variation share.
    variation : number, array or tensor
        beta, the variance that the signal gives the plain gradient, over the noise's.

    Returns
    -------
    float or tensor
        The gain, which tends to 1 as beta grows.

    Examples
    --------
    >>> varying_signal_gain(2.0, 1.0, 0.0), varying_signal_gain(2.0, 1.0, 1.0)
    (2.0, 1.3333333333333333)
    """
    g, p, beta = tensors(gain, hit_rate, variation)
    kept = p.square()
    return kept * (1 + beta) / (kept / g + beta * kept)


@closed_form
def break_even_batch(gain: Values, snr: Values, cosine: Values) -> Tensor:
    r"""Batch below which a biased but quieter gradient is the better one.

    .. math:: B^* = \frac{c^2 g - 1}{g\, \mathrm{SNR}\, (1 - c^2)}

    The agreement of a batch's mean gradient with the true direction G,
    :math:`\langle \mathrm{E} \bar g, G \rangle^2 / \lVert G \rVert^2
    \mathrm{E} \lVert \bar g \rVert^2`, is ``B SNR / (1 + B SNR)`` without a mask and
    ``c^2 B g SNR / (1 + B g SNR)`` with it; below B* the mask's is the larger one.

    Parameters
    ----------
    gain : number, array or tensor
        g, what the mask multiplies the signal-to-noise ratio by.
    snr : number, array or tensor
        Of one sample's plain gradient.
    cosine : number, array or tensor
        c, between the expected masked and the expected plain gradient, below 1.

    Returns
    -------
    float or tensor
        B*, infinite without a bias, and below zero where no batch makes up for it.

    Examples
    --------
    >>> round(break_even_batch(2.0, 0.1, 0.9), 2)
    16.32
    """
    g, s, c = tensors(gain, snr, cosine)
    return (c.square() * g - 1) / (g * s * (1 - c.square()))
