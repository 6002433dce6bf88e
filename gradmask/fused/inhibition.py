"""Lateral inhibition in one launch where maps are small, in three where large."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from gradmask.functional import lateral_response
from gradmask.fused.energy import error_energy
from gradmask.fused.layout import dense, layout_of, power

__all__ = ["lateral"]

_SMALL_SAMPLE = 2**17
_SMALL_FILTER = 2**21
_LARGEST_TILE = 1024
_WARPS = 8


def lateral(
    delta: Tensor,
    kernels: Sequence[Tensor],
    threshold: float,
    energy: Tensor | None = None,
    *,
    product: bool,
) -> Tensor:
    """Mask of an error signal, or the product of both.

    What :func:`gradmask.functional.lateral_mask` decides, up to rounding.  A small
    sample is masked by one program, in one launch.  The energy and the product of a
    large one are divided among many, and a filter too wide to be applied position by
    position is left to :func:`gradmask.functional.lateral_response`.

    Parameters
    ----------
    delta : Tensor
        Error signal of shape (B, C, H, W), in half precision or float32.
    kernels : sequence of Tensor
        At least one, in float32, as :func:`gradmask.functional.lateral_mask` takes.
    threshold : float
        In units of the response's standard deviation.
    energy : Tensor, optional
        What competes, of shape (B, 1, H, W), in float32.  Default: the error energy.
    product : bool
        Whether to return the masked error instead of the mask.

    Returns
    -------
    Tensor
        Bool mask of shape (B, 1, H, W), or the masked error like delta.
    """
    from gradmask.fused.kernels.lateral import lateral_kernel, product_kernel

    delta = dense(delta)
    samples, channels, height, width = delta.shape
    map_shape = samples, 1, height, width
    mask = delta.new_empty(map_shape, dtype=torch.bool)
    masked = torch.empty_like(delta) if product else delta
    if not samples:
        return masked if product else mask
    layout = layout_of(delta)
    weights, size = _stacked(tuple(kernels))
    small = channels * height * width <= _SMALL_SAMPLE
    narrow = height * width * size**2 <= _SMALL_FILTER
    given = energy is not None or not (small and narrow)
    if energy is not None:
        energy = energy.float().contiguous()
    elif given:
        energy = error_energy(delta)
    else:
        energy = delta.new_empty(map_shape, dtype=torch.float32)
    if narrow:
        response = energy.new_empty((samples, len(kernels), height, width))
    else:
        response = torch.cat([lateral_response(energy, one) for one in kernels], 1)
    lateral_kernel[(samples,)](
        delta, masked, mask, energy, response, weights, threshold,
        channels, layout.units, height, width,
        ENERGY=not given, RESPONSE=narrow, SPREAD=bool(threshold),
        PRODUCT=product and small, SCALES=len(kernels), SIZE=size,
        EPS=torch.finfo(torch.float32).eps, LAST=layout.last, BC=layout.rows,
        BP=layout.columns, BM=min(_LARGEST_TILE, power(height * width)),
        UNIT=layout.unit, num_warps=_WARPS,
    )  # fmt: skip
    if product and not small:
        product_kernel[(samples, layout.tiles)](
            delta, masked, mask, channels, layout.units, LAST=layout.last,
            BC=layout.rows, BP=layout.columns, UNIT=layout.unit, num_warps=_WARPS,
        )  # fmt: skip
    return masked if product else mask


@lru_cache(maxsize=256)
def _stacked(kernels: tuple[Tensor, ...]) -> tuple[Tensor, int]:
    """Kernels of one size k, smaller ones framed by zeros, of shape (S, k * k + 2).

    Behind its weights a kernel has their sum and the sum of their magnitudes.
    """
    size = max(map(len, kernels))
    frames = [F.pad(kernel, ((size - len(kernel)) // 2,) * 4) for kernel in kernels]
    taps = torch.stack(frames).flatten(1)
    sums = taps.sum(1, keepdim=True), taps.abs().sum(1, keepdim=True)
    return torch.cat([taps, *sums], 1), size
