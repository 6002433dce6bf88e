"""On-centre off-surround kernels: the shape of lateral inhibition.

Every balanced kernel here sums to zero, has unit L2 norm and a positive centre, so
that a uniform field evokes no response and responses of different scales compare.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gradmask.functional._numerics import with_float64

__all__ = [
    "difference_of_gaussians",
    "laplacian_of_gaussian",
    "unbalanced_laplacian_of_gaussian",
]


def laplacian_of_gaussian(
    sigma: float,
    size: int | None = None,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    r"""Balanced, on-centre Laplacian-of-Gaussian kernel.

    The negated Laplacian of a Gaussian, sampled on the pixel grid,

    .. math:: k(x) \propto \Big(1 - \frac{|x|^2}{2\sigma^2}\Big)
              \exp\Big(-\frac{|x|^2}{2\sigma^2}\Big),

    then projected onto the kernels that sum to zero (its mean is subtracted) and
    divided by its L2 norm.  Sampling and truncation alone leave it unbalanced; see
    :func:`unbalanced_laplacian_of_gaussian`.

    Parameters
    ----------
    sigma : float
        Standard deviation of the Gaussian, in pixels.  The response changes sign at
        the radius ``sqrt(2) * sigma``.
    size : int, optional
        Side of the square kernel, odd and at least 3.  Default:
        ``2 * ceil(3 * sigma) + 1``.
    dtype : torch.dtype, optional
        Default: PyTorch's default dtype.
    device : torch.device or str, optional
        Default: PyTorch's default device.

    Returns
    -------
    Tensor
        Kernel of shape (size, size).

    Raises
    ------
    ValueError
        If sigma is not positive and finite, size is even or below 3, or sigma so much
        larger (a thousand times) that every weight is the same.

    References
    ----------
    Marr and Hildreth, *Theory of edge detection*, Proc. R. Soc. Lond. B 207, 1980.

    Examples
    --------
    >>> kernel = laplacian_of_gaussian(1.4)
    >>> kernel.shape
    torch.Size([11, 11])
    >>> bool(kernel.sum().abs() < 1e-6), bool(kernel[5, 5] > 0)
    (True, True)
    """
    kernel = _sampled_log(sigma, size, device)
    return _unit(kernel - kernel.mean(), dtype, device)


def difference_of_gaussians(
    sigma: float,
    ratio: float = 1.6,
    size: int | None = None,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    r"""Balanced, on-centre difference-of-Gaussians kernel.

    A narrow centre minus a wide surround, each a sampled Gaussian that sums to one,

    .. math:: k \propto b_{\sigma} - b_{\beta\sigma},

    divided by its L2 norm.  With the ratio :math:`\beta = 1.6` it closely follows
    the Laplacian of Gaussian of the same zero crossing.

    Parameters
    ----------
    sigma : float
        Standard deviation of the centre, in pixels.
    ratio : float, default 1.6
        Width of the surround over that of the centre, above 1 by a millionth or more.
    size : int, optional
        Side of the square kernel, odd and at least 3.  Default, from the wider
        Gaussian: ``2 * ceil(3 * ratio * sigma) + 1``.
    dtype : torch.dtype, optional
        Default: PyTorch's default dtype.
    device : torch.device or str, optional
        Default: PyTorch's default device.

    Returns
    -------
    Tensor
        Kernel of shape (size, size).

    Raises
    ------
    ValueError
        If ratio is not finite and above 1; otherwise as in
        :func:`laplacian_of_gaussian`.

    References
    ----------
    Rodieck, *Quantitative analysis of cat retinal ganglion cell response to visual
    stimuli*, Vision Research 5, 1965; Marr and Hildreth 1980 for the ratio 1.6.

    Examples
    --------
    >>> difference_of_gaussians(1.0).shape
    torch.Size([11, 11])
    """
    _check_sigma(sigma)
    if not (math.isfinite(ratio) and ratio > 1 + 1e-6):
        raise ValueError(f"ratio must be finite and above 1, got {ratio}")
    radius2 = _squared_radius(_side(ratio * sigma, size), device)
    centre, surround = (
        torch.softmax(-radius2.flatten() / (2 * s * s), 0).view_as(radius2)
        for s in (sigma, ratio * sigma)
    )
    difference = centre - surround
    return _unit(difference - difference.mean(), dtype, device)


def unbalanced_laplacian_of_gaussian(
    sigma: float,
    size: int | None = None,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """On-centre Laplacian-of-Gaussian kernel as sampled, without balance: a control.

    Its sum is not zero, so a uniform field evokes a response and the mask saturates
    as the number of channels grows.  Where the window ends before the zero crossing
    (``size <= 2 * sqrt(2) * sigma``, such as sigma 11 on 5x5), every weight has one
    sign and nothing is inhibited.

    Parameters
    ----------
    sigma, size, dtype, device
        As in :func:`laplacian_of_gaussian`, and so are the errors.

    Returns
    -------
    Tensor
        Kernel of shape (size, size), of unit L2 norm.

    Examples
    --------
    >>> bool((unbalanced_laplacian_of_gaussian(11, size=5) > 0).all())
    True
    """
    return _unit(_sampled_log(sigma, size, device), dtype, device)


def _sampled_log(
    sigma: float, size: int | None, device: torch.device | str | None
) -> Tensor:
    _check_sigma(sigma)
    u = _squared_radius(_side(sigma, size), device) / (2 * sigma * sigma)
    return (1 - u) * torch.exp(-u)


def _unit(
    kernel: Tensor,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
) -> Tensor:
    norm = kernel.square().sum().sqrt()
    return (kernel / norm).to(device, dtype or torch.get_default_dtype())


def _squared_radius(side: int, device: torch.device | str | None) -> Tensor:
    where = with_float64(device)
    axis = torch.arange(side, dtype=torch.float64, device=where) - side // 2
    return axis.square()[:, None] + axis.square()


def default_size(sigma: float) -> int:
    """Side of the window that holds a Gaussian of this sigma."""
    return 2 * math.ceil(3 * sigma) + 1


def _side(sigma: float, size: int | None) -> int:
    if size is None:
        return default_size(sigma)
    if size != int(size) or size < 3 or size % 2 == 0:
        raise ValueError(f"size must be an odd integer of at least 3, got {size}")
    if sigma > 1000 * size:
        raise ValueError(
            f"a window of {size} pixels cannot resolve so large a sigma: "
            "every weight is the same; enlarge size or reduce sigma"
        )
    return int(size)


def _check_sigma(sigma: float) -> None:
    if not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"sigma must be positive and finite, got {sigma}")
