"""Projecting a masked error onto what a normalisation lets through."""

from __future__ import annotations

import torch
from torch import Tensor

from gradmask.functional._numerics import at_least_float32

__all__ = ["project_out"]

SMALLEST = 1e-30
_NUMBERS_CACHED = 2**17


def project_out(
    delta: Tensor, z: Tensor, groups: int | None = None, *, inplace: bool = False
) -> Tensor:
    r"""Remove from an error signal what a normalisation of z would not let through.

    After a normalisation the loss does not see a shift and a scale of z, so a true
    error has no part along either:

    .. math:: \delta \leftarrow \delta - \overline{\delta}
              - \hat z \, \overline{\delta \hat z},

    where z-hat is z normalised and the bars are means over what is normalised
    together.  The gradient of a convolution that outputs z is then orthogonal to the
    convolution's weight, as without a mask.

    Parameters
    ----------
    delta, z : Tensor
        Error signal and the feature map it belongs to, of shape (B, C, H, W).
    groups : int, optional
        None: batch normalisation, each channel over all samples and positions.
        A number: group normalisation of each sample (the number of channels:
        instance normalisation; 1: layer normalisation over the whole map).
    inplace : bool, default False
        Whether the result may take delta's memory.

    Returns
    -------
    Tensor
        Of the shape and dtype of delta.

    Notes
    -----
    The variance of z is taken in one pass, as the mean square minus the squared mean:
    its relative error is that of the dtype times mean square over variance.  Where
    that would leave nothing of it the part along z-hat stays, rather than grow.

    Examples
    --------
    >>> delta, z = torch.randn(2, 8, 3, 5, 5, dtype=torch.float64)
    >>> projected = project_out(delta, z)
    >>> bool(projected.mean((0, 2, 3)).abs().max() < 1e-12)
    True
    >>> bool((projected * z).mean((0, 2, 3)).abs().max() < 1e-12)
    True
    """
    if delta.numel() == 0:
        return delta
    rows = delta.shape[:2] if groups is None else (1, len(delta) * groups)
    d, f = (at_least_float32(t).reshape(*rows, -1) for t in (delta, z))
    level, slope = _line(d, f)
    add = d.addcmul_ if inplace else d.addcmul
    projected: Tensor = add(slope, f, value=-1).sub_(level)
    return projected.to(delta.dtype).view_as(delta)


def _line(d: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Level and slope, of shape (C, 1), of the regression of d on f, each (B, C, N)."""
    sum_d, sum_f, product, square = _sums(d, f)
    count = f[:, 0].numel()
    mean = sum_f / count
    scatter = torch.maximum(
        torch.addcmul(square, mean, sum_f, value=-1),
        square * (8 * torch.finfo(f.dtype).eps),
    )
    slope = torch.addcmul(product, mean, sum_d, value=-1) / scatter.clamp(min=SMALLEST)
    level = torch.addcmul(sum_d, slope, sum_f, value=-1) / count
    return level[:, None], slope[:, None]


def _sums(d: Tensor, f: Tensor) -> Tensor:
    """Sums of d, f, d f and f f over samples and positions, of shape (4, C)."""
    samples = len(d)
    if d.device.type == "cpu":
        # What is read four times should stay in the cache.
        samples = max(1, _NUMBERS_CACHED * samples // d.numel())
    pieces = zip(d.split(samples), f.split(samples), strict=True)
    # Over positions, then over samples: far faster on CPU than over both at once.
    sums = [torch.stack([t.sum(2) for t in (a, b, a * b, b * b)]) for a, b in pieces]
    return torch.cat(sums, 1).sum(1)
