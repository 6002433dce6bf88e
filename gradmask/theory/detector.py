r"""The mask as a detector: where it finds an object in noise.

The error energy is a chi variable of C degrees of freedom, non-central on the
object.  Its mean and variance at every position, seen through the kernel, give the
probability that a position is kept (:func:`detectability_map`,
:func:`noise_threshold`, then :func:`hit_rate`).

Model and notation are those of :mod:`gradmask.theory.rates`, in units of tau.  The
response is taken as normal; its skewness, of the order of ``sum(k^3) / sqrt(2 C)``
for a kernel of unit norm, is what :func:`gradmask.theory.predict_gain` adds.  Maps
are computed in float64 on the CPU, with a matrix of (H W)^2 numbers: 5 MB for 28 by
28 positions.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gradmask.theory._response import response_to

__all__ = ["detectability_map", "noise_threshold"]


def detectability_map(
    kernel: Tensor, support: Any, strength: float, channels: float
) -> Tensor:
    r"""Mean of the lateral response over its standard deviation, at every position.

    .. math:: d = \frac{k * \mu}{\sqrt{k^2 * v}}

    with mu and v the maps of the energy's mean and variance.  A position is kept with
    probability ``hit_rate(d, threshold)``.  On the object d is positive, in the ring
    around it, where the surround is brighter than the centre, negative, and far away
    zero.  For a weak signal :math:`d \approx \lambda \sqrt{C/2}\, (k * 1_\Omega)`.
    Reflection at the border, which counts some positions twice, is accounted for.

    Parameters
    ----------
    kernel : Tensor
        Odd square kernel, balanced or not, of any norm.
    support : (H, W) array or tensor
        True on the object, which may be absent.
    strength : float
        lambda, the signal's energy over the noise's at every position of the object.
    channels : float
        C, the number of channels, which need not be whole.

    Returns
    -------
    Tensor
        Map of shape (H, W) in float64.

    Raises
    ------
    ValueError
        If support is not a map or smaller than the kernel, or as
        :func:`gradmask.theory.energy_moments`.

    Examples
    --------
    >>> import torch
    >>> from gradmask import laplacian_of_gaussian
    >>> support = torch.zeros(15, 15)
    >>> support[6:9, 6:9] = 1
    >>> d = detectability_map(laplacian_of_gaussian(1.4), support, 0.5, channels=32)
    >>> bool(d[7, 7] > 3), bool(d[7, 10] < -0.5), abs(round(d[0, 0].item(), 2))
    (True, True, 0.0)
    """
    response = response_to(kernel, support, strength, channels)
    return (response.mean / response.spread).view(response.shape)


def noise_threshold(
    threshold: float, kernel: Tensor, support: Any, strength: float, channels: float
) -> Tensor:
    r"""A mask's threshold in standard deviations of the response at each position.

    .. math:: \theta'(x) = \theta\, \frac{\sigma_r}{\sqrt{v'(x)}}, \qquad
              \sigma_r^2 = \overline{v'} + \mathrm{Var}_x(k * \mu), \qquad
              v' = k^2 * v,

    because a mask's own unit, :math:`\sigma_r`, is the response's deviation over the
    map, object included.  The bar and Var are the mean and the variance over
    positions.  ``hit_rate(detectability_map(...), noise_threshold(...))`` is the
    probability that the mask keeps a position.

    Parameters
    ----------
    threshold : float
        theta, as :func:`gradmask.functional.gradient_mask` takes it.
    kernel, support, strength, channels
        As in :func:`detectability_map`, and so are the errors.

    Returns
    -------
    Tensor
        Map of shape (H, W) in float64; largest far from the object and the border,
        where the response varies least.

    Notes
    -----
    The fluctuation of the unit is left out.  :func:`gradmask.theory.predict_gain` has
    it; it matters from a threshold of about one on.

    Examples
    --------
    >>> import torch
    >>> from gradmask import laplacian_of_gaussian
    >>> support = torch.zeros(15, 15)
    >>> kernel = laplacian_of_gaussian(1.4)
    >>> theta = noise_threshold(1.0, kernel, support, 0.0, channels=32)
    >>> round(theta[7, 7].item(), 2)
    1.02
    """
    response = response_to(kernel, support, strength, channels)
    return (threshold * response.unit / response.spread).view(response.shape)
