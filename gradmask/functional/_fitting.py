"""Which kernels a map is filtered with: those of the wanted scales that fit in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from torch import Tensor

from gradmask.functional.kernels import (
    default_size,
    difference_of_gaussians,
    laplacian_of_gaussian,
    unbalanced_laplacian_of_gaussian,
)

Kernel = Literal["log", "dog", "unbalanced"]

KERNELS: dict[Kernel, Callable[..., Tensor]] = {
    "log": laplacian_of_gaussian,
    "dog": difference_of_gaussians,
    "unbalanced": unbalanced_laplacian_of_gaussian,
}

# How much wider than sigma a kernel's widest Gaussian is.
SPREADS: dict[Kernel, float] = {"log": 1.0, "dog": 1.6, "unbalanced": 1.0}


def fitting(
    kernel: Kernel,
    sigmas: Sequence[float],
    size: int | None,
    relative: bool,
    height: int,
    width: int,
) -> list[tuple[float, int]]:
    """Sigma in pixels, and side, of the kernels that fit in a map.

    Sigmas, and what size and relative mean, are those of
    :class:`gradmask.GradientMask`.
    """
    room = min(height, width)
    if room < 3:
        return []
    pixels = [sigma * (width if relative else 1) for sigma in sigmas]
    if size is not None:
        sides = [size] * len(pixels)
    else:
        sides = [default_size(SPREADS[kernel] * sigma) for sigma in pixels]
        if relative:
            sides = [min(side, room - 1 + room % 2) for side in sides]
    pairs = zip(pixels, sides, strict=True)
    return [(sigma, side) for sigma, side in pairs if side <= room]
