"""Balance and scale: what the choice of a kernel does to the mask, in closed form.

Numbers, arrays and tensors are taken and returned as in :mod:`gradmask.theory.rates`.
"""

from __future__ import annotations

import math

from torch import Tensor

from gradmask.theory._broadcast import (
    Values,
    check_channels,
    closed_form,
    tensors,
)

__all__ = [
    "background_bias",
    "best_scale",
    "kernel_correlation",
    "union_false_alarm_rate",
]

_BEST_SCALES = {
    "scale-space": math.sqrt(0.5),
    "centre": 1.0,
    "disc": 1.3084384107579696,
}


@closed_form
def background_bias(imbalance: Values, channels: Values) -> Tensor:
    r"""Detectability that an unbalanced kernel sees in noise alone.

    .. math:: d = \sqrt{2 C}\, \sum_x k(x), \qquad \lVert k \rVert = 1

    The mean of the noise's energy times the kernel's sum; a balanced kernel is blind
    to it, any other saturates as the channels grow.  To leading order in 1/C; the
    exact value is smaller by about one part in 8 C.  The share that is kept differs
    from :func:`hit_rate` of it by the response's skewness, too: by
    :math:`(d^2 - 1)\, \Phi'(d) \sum_x k(x)^3 / 6\sqrt{2 C}`.

    Parameters
    ----------
    imbalance : number, array or tensor
        Sum of the weights of a kernel of unit norm.
    channels : number, array or tensor
        C, the number of channels.

    Returns
    -------
    float or tensor
        The bias, in standard deviations of the response.

    Examples
    --------
    >>> background_bias(0.5, 32)
    4.0
    """
    total, n = tensors(imbalance, channels)
    check_channels(n)
    return total * (2 * n).sqrt()


def kernel_correlation(first: Tensor, second: Tensor) -> float:
    r"""Correlation of the responses of two kernels to the same noise.

    .. math:: \frac{\langle k_1, k_2 \rangle}{\lVert k_1 \rVert \lVert k_2 \rVert}

    with the smaller kernel centred in the larger one.  Two Laplacians of Gaussian have
    ``(2 s1 s2 / (s1^2 + s2^2))^3`` in the continuum, 0.512 an octave apart, and a
    little less on the pixel grid.

    Parameters
    ----------
    first, second : Tensor
        Odd square kernels of shapes (k, k) and (l, l).

    Returns
    -------
    float
        In [-1, 1].

    Raises
    ------
    ValueError
        If a kernel is not square and odd.

    Examples
    --------
    >>> from gradmask import laplacian_of_gaussian
    >>> round(kernel_correlation(laplacian_of_gaussian(2), laplacian_of_gaussian(4)), 3)
    0.505
    """
    for kernel in (first, second):
        if kernel.dim() != 2 or kernel.shape[0] != kernel.shape[1]:
            raise ValueError(f"a kernel must be square, got {tuple(kernel.shape)}")
        if len(kernel) % 2 == 0:
            raise ValueError(f"a kernel must have an odd side, got {len(kernel)}")
    small, large = sorted((first.double(), second.double()), key=len)
    margin = (len(large) - len(small)) // 2
    middle = slice(margin, margin + len(small))
    product = (small * large[middle, middle]).sum()
    return float(product / (small.norm() * large.norm()))


@closed_form
def union_false_alarm_rate(correlation: Values) -> Tensor:
    r"""False-alarm rate of two balanced kernels of which either may keep a position.

    .. math:: q = \frac{3}{4} - \frac{\arcsin \langle k_1, k_2 \rangle}{2 \pi}

    at threshold zero and for kernels of unit norm, by Sheppard's formula for the
    orthant of two normal variables.

    Parameters
    ----------
    correlation : number, array or tensor
        Of the two responses to noise (:func:`kernel_correlation`), in [-1, 1].

    Returns
    -------
    float or tensor
        The rate: 1/2 for the same kernel twice, 3/4 for uncorrelated ones.

    Raises
    ------
    ValueError
        If the correlation is outside [-1, 1].

    References
    ----------
    Sheppard, *On the application of the theory of error to cases of normal
    distribution and normal correlation*, Phil. Trans. R. Soc. Lond. A 192, 1899.

    Examples
    --------
    >>> union_false_alarm_rate(0.0)
    0.75
    """
    (both,) = tensors(correlation)
    if (both.abs() > 1).any():
        raise ValueError(f"correlation must lie in [-1, 1], got {correlation}")
    return 0.75 - both.asin() / (2 * math.pi)


@closed_form
def best_scale(radius: Values, criterion: str = "disc") -> Tensor:
    r"""Sigma of the Laplacian of Gaussian that suits a disc best.

    ================  ============  ==============================================
    criterion         sigma/radius  what is largest
    ================  ============  ==============================================
    ``scale-space``   0.7071        the scale-normalised response at the centre
    ``centre``        1             the response of the unit-norm kernel, that is
                                    the detectability, at the centre
    ``disc``          1.3084        the detectability averaged over the disc
    ================  ============  ==============================================

    With :math:`U = \rho^2 / 2\sigma^2` they maximise :math:`U e^{-U}`,
    :math:`\sqrt{U}\, e^{-U}` and :math:`e^{-2U} I_1(2U) / \sqrt{U}`, for a weak signal
    and in the continuum.

    Parameters
    ----------
    radius : number, array or tensor
        rho, the disc's radius in pixels, positive.
    criterion : {"disc", "centre", "scale-space"}, default "disc"
        What is to be largest.

    Returns
    -------
    float or tensor
        Sigma in pixels.

    Raises
    ------
    ValueError
        If the radius is not positive or the criterion has another name.

    References
    ----------
    Lindeberg, *Feature detection with automatic scale selection*, International
    Journal of Computer Vision 30, 1998, for the first.

    Examples
    --------
    >>> best_scale(4.0, "centre")
    4.0
    """
    if criterion not in _BEST_SCALES:
        raise ValueError(
            f"criterion must be one of {', '.join(_BEST_SCALES)}, got {criterion!r}"
        )
    (rho,) = tensors(radius)
    if not (rho > 0).all():
        raise ValueError(f"radius must be positive, got {radius}")
    return _BEST_SCALES[criterion] * rho
