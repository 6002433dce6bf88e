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

    .. math:: \frac{p + (A - 1) p^2}{A}, \qquad A = \sum_x R(x)

    To be put in the place of the rates in the denominator of :func:`snr_gain`, where
    A is small compared with the object.

    Parameters
    ----------
    rate : number, array or tensor
        p, the share of positions that are kept, each on its own.
    area : number, array or tensor
        A, the sum of the noise's correlation R over all displacements: 1 for white
        noise.

    Returns
    -------
    float or tensor
        From p at A = 1 to p^2 for large A, where a random mask costs nothing.

    Examples
    --------
    >>> correlated_rate(0.5, 1.0), correlated_rate(0.5, 5.0)
    (0.5, 0.3)
    """
    p, a = tensors(rate, area)
    return (p + (a - 1) * p.square()) / a


def effective_channels(variances: Values, kurtosis: float = 3.0) -> float:
    r"""Channels of Gaussian, isotropic noise that a mask's detector sees.

    .. math:: C_{\mathrm{eff}} = \frac{2}{K - 1}\,
              \frac{(\sum_j \tau_j^2)^2}{\sum_j \tau_j^4}

    Gaussian, isotropic noise in so many channels has an energy e^2 of the same mean
    and variance as noise whose channels are independent, of variances
    :math:`\tau_j^2` and of kurtosis K.  In general it is
    :math:`2 (\mathrm{E} e^2)^2 / \mathrm{Var}\, e^2`.

    Parameters
    ----------
    variances : array or tensor
        The noise's variance in each channel, or along each principal axis.
    kurtosis : float, default 3.0
        K, the fourth central moment over the squared variance, above one: 3 for
        Gaussian noise, 6 for Laplace's, 1.8 for uniform noise.

    Returns
    -------
    float
        The number, at least 1 for Gaussian noise.

    Raises
    ------
    ValueError
        If the kurtosis is not above one.

    Notes
    -----
    Noise without a kurtosis, such as Student's t with four degrees of freedom or
    fewer, has no such number.  The signal is taken as spread over the channels as the
    noise is; one that lies in the channels of most noise is found less often.

    References
    ----------
    Satterthwaite, *An approximate distribution of estimates of variance components*,
    Biometrics Bulletin 2, 1946, for the match of two moments.

    Examples
    --------
    >>> effective_channels([1.0, 1.0, 1.0]), effective_channels([1.0, 0.0, 0.0])
    (3.0, 1.0)
    >>> effective_channels([1.0] * 100, kurtosis=6.0)
    40.0
    """
    if not kurtosis > 1:
        raise ValueError(f"kurtosis must be above 1, got {kurtosis}")
    (v,) = tensors(variances)
    return float(v.sum().square() / v.square().sum() * 2 / (kurtosis - 1))


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
    gamma, p, beta = tensors(gain, hit_rate, variation)
    kept = p.square()
    return kept * (1 + beta) / (kept / gamma + beta * kept)


@closed_form
def break_even_batch(gain: Values, snr: Values, cosine: Values) -> Tensor:
    r"""Batch below which a biased but quieter gradient is the better one.

    .. math:: B^* = \frac{c^2 \gamma - 1}{\gamma\, \mathrm{SNR}\, (1 - c^2)}

    The agreement of a batch's mean gradient with the true direction G,
    :math:`\langle \mathrm{E} \bar g, G \rangle^2 / \lVert G \rVert^2
    \mathrm{E} \lVert \bar g \rVert^2`, is ``B SNR / (1 + B SNR)`` without a mask and
    ``c^2 B gamma SNR / (1 + B gamma SNR)`` with it; below B* the mask's is the larger
    one.  That a cosine is squared hides its sign: a mean that points uphill, c < 0,
    agrees with the truth at no size, and is taken as c = 0.

    Parameters
    ----------
    gain : number, array or tensor
        gamma, what the mask multiplies the signal-to-noise ratio by.
    snr : number, array or tensor
        Of one sample's plain gradient.
    cosine : number, array or tensor
        c, between the expected masked and the expected plain gradient.

    Returns
    -------
    float or tensor
        B*, infinite without a bias, and below zero where no batch makes up for it.

    Examples
    --------
    >>> round(break_even_batch(2.0, 0.1, 0.9), 2)
    16.32
    >>> break_even_batch(2.0, 0.1, -0.9)
    -5.0
    """
    gamma, quality, c = tensors(gain, snr, cosine)
    agreed = c.clamp(min=0).square()
    return (agreed * gamma - 1) / (gamma * quality * (1 - agreed))
