"""Lateral inhibition of discs of light: which kernel answers to which disc."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from gradmask import laplacian_of_gaussian

__all__ = [
    "bright_disc",
    "centre_of_difference",
    "centre_response",
    "noisy_disc",
    "over_scale",
]


def bright_disc(radius: float, side: int) -> Tensor:
    """Disc of ones in the middle of a (1, 1, side, side) map of zeros."""
    axis = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
    inside = axis.square()[:, None] + axis.square() <= radius**2
    return inside.float()[None, None]


def noisy_disc(side: int = 28, level: float = 3.0, seed: int = 0) -> Tensor:
    """Noisy uniform field (1, 1, side, side) with one bright disc."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, 1, side, side, generator=generator)
    return level + 0.25 * noise + 1.2 * bright_disc(2.5, side)


def centre_of_difference(sigma: float, ratio: float = 1.6) -> float:
    """Sigma of the difference of Gaussians that crosses zero where the Laplacian does.

    The Laplacian crosses at ``r^2 = 2 sigma^2``, the difference of centre s at
    ``r^2 = 4 s^2 log(ratio) ratio^2 / (ratio^2 - 1)``.
    """
    crossing = 4 * np.log(ratio) * ratio**2 / (ratio**2 - 1)
    return float(sigma * np.sqrt(2 / crossing))


def centre_response(field: Tensor, kernel: Tensor) -> float:
    """Response of an odd kernel at the middle of an odd map."""
    middle = field.shape[-1] // 2
    padded = F.pad(field, (len(kernel) // 2,) * 4)
    response = F.conv2d(padded, kernel[None, None])
    return response[0, 0, middle, middle].item()


def over_scale(
    radii: Sequence[float], side: int = 81
) -> dict[float, dict[str, NDArray[np.float64]]]:
    """Response at the centre of discs over the kernel's scale, by two conventions.

    Parameters
    ----------
    radii : sequence of float
        Of the discs, in pixels.
    side : int, default 81
        Of the map.

    Returns
    -------
    dict
        By the radius: "scale", sigma over the radius; "unit", the response of kernels
        of unit norm; and "normalised", that of scale-normalised ones, as a share of its
        peak.
    """
    sigmas = np.geomspace(0.7, 12, 60)
    kernels = [laplacian_of_gaussian(sigma) for sigma in sigmas]
    amplitude = np.array([kernel.max().item() for kernel in kernels])
    curves = {}
    for radius in radii:
        field = bright_disc(radius, side)
        unit = np.array([centre_response(field, kernel) for kernel in kernels])
        normalised = unit / (amplitude * sigmas**2)
        curves[radius] = {
            "scale": sigmas / radius,
            "unit": unit,
            "normalised": normalised / normalised.max(),
        }
    return curves
