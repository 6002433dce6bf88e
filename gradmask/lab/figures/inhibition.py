"""Pictures of lateral inhibition itself: Mach bands, kernels, balance and scale."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from gradmask import laplacian_of_gaussian
from gradmask.functional import (
    difference_of_gaussians,
    lateral_response,
    unbalanced_laplacian_of_gaussian,
)
from gradmask.lab.figures.style import COLOURS, done, panels, show_map

__all__ = [
    "balance",
    "centre_of_difference",
    "centre_response",
    "disc",
    "fixed_kernel_on_discs",
    "kernel_profiles",
    "mach_bands",
    "scale_curves",
]


def disc(radius: float, side: int) -> Tensor:
    """Disc of ones in the middle of a (1, 1, side, side) map of zeros."""
    axis = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
    inside = axis.square()[:, None] + axis.square() <= radius**2
    return inside.float()[None, None]


def centre_of_difference(sigma: float, ratio: float = 1.6) -> float:
    """Sigma of the difference of Gaussians that crosses zero where the Laplacian does.

    The Laplacian crosses at ``r^2 = 2 sigma^2``, the difference of centre s at
    ``r^2 = 4 s^2 log(ratio) ratio^2 / (ratio^2 - 1)``.
    """
    crossing = 4 * np.log(ratio) * ratio**2 / (ratio**2 - 1)
    return float(sigma * np.sqrt(2 / crossing))


def mach_bands(staircase: Tensor, perceived: Tensor) -> Figure:
    """Staircase of grey (side, width), and what a layer with inhibition makes of it."""
    figure, (picture, profile) = panels(1, rows=2, height=3.6, height_ratios=[1.1, 1])
    show_map(
        picture,
        staircase,
        "Even steps of grey",
        cmap="gray",
        vmin=0,
        vmax=1,
        aspect="auto",
    )
    x = np.arange(staircase.shape[1])
    middle = len(staircase) // 2
    profile.plot(x, perceived[middle], color=COLOURS["mask"], label="after inhibition")
    profile.plot(x, staircase[middle], color=COLOURS["plain"], ls="--", label="light")
    profile.set(xlabel="position (pixels)", ylabel="intensity", xlim=(0, len(x) - 1))
    profile.set_title("Along one row")
    profile.legend(loc="upper left")
    return done(figure)


def kernel_profiles(sigma: float = 2.0) -> Figure:
    """Laplacian and difference of Gaussians: as maps, and cut through the middle."""
    log = laplacian_of_gaussian(sigma, size=21)
    dog = difference_of_gaussians(centre_of_difference(sigma), size=21)
    figure, axes = panels(3, height=2.5, width_ratios=[1, 1, 1.7])
    show_map(axes[0], log, "Laplacian of Gaussian", signed=True)
    show_map(axes[1], dog, "Difference of Gaussians", signed=True)
    x = np.arange(21) - 10
    axes[2].axhline(0, color="#8b949e", lw=0.8)
    axes[2].plot(x, log[10], color=COLOURS["mask"], label="Laplacian")
    axes[2].plot(x, dog[10], color=COLOURS["object"], ls="--", label="difference")
    for side in (-1, 1):
        axes[2].axvline(side * np.sqrt(2) * sigma, color="#8b949e", lw=0.8, ls=":")
    axes[2].set(title="Cut through the middle", xlabel="pixels from the centre")
    axes[2].set_xticks(range(-10, 11, 5))
    axes[2].legend()
    return done(figure)


def balance(side: int = 28, level: float = 3.0, seed: int = 0) -> Figure:
    """Noisy uniform field with one bright disc, seen by two kernels."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, 1, side, side, generator=generator)
    field = level + 0.25 * noise + 1.2 * disc(2.5, side)
    kernels = {
        "balanced, sigma 1.4": laplacian_of_gaussian(1.4, size=5),
        "as sampled, sigma 11": unbalanced_laplacian_of_gaussian(11, size=5),
    }
    figure, axes = panels(5, height=2.0)
    show_map(axes[0], field[0, 0], "field", cmap="gray")
    for index, (name, kernel) in enumerate(kernels.items()):
        response = lateral_response(field, kernel)[0, 0]
        first, second = axes[1 + 2 * index], axes[2 + 2 * index]
        show_map(first, response, f"{name}:\nresponse", signed=True)
        kept = f"{(response > 0).float().mean():.0%} kept"
        show_map(second, response > 0, f"mask,\n{kept}", cmap="gray", vmin=0, vmax=1)
    return done(figure)


def scale_curves(radii: tuple[float, ...] = (2, 4, 6), side: int = 81) -> Figure:
    """Response at the centre of discs over the kernel's scale, by two conventions."""
    sigmas = np.geomspace(0.7, 12, 60)
    figure, axes = panels(2, height=2.6)
    unit, normalised = axes
    for radius, colour in zip(radii, COLOURS.values(), strict=False):
        field = disc(radius, side)
        responses = np.array(
            [centre_response(field, laplacian_of_gaussian(s)) for s in sigmas]
        )
        unit.plot(sigmas / radius, responses, color=colour, label=f"radius {radius:g}")
        amplitude = np.array([laplacian_of_gaussian(s).max().item() for s in sigmas])
        scale_space = responses / (amplitude * sigmas**2)
        normalised.plot(sigmas / radius, scale_space / scale_space.max(), color=colour)
    for ax, peak, title in (
        (unit, 1.0, "Unit-norm kernel"),
        (normalised, 1 / np.sqrt(2), "Scale-normalised kernel"),
    ):
        ax.axvline(peak, color="#8b949e", ls=":", lw=1)
        ax.set(xscale="log", title=title, xlabel="sigma / radius of the disc")
        ax.set_xticks([0.25, 0.5, 1, 2], ["1/4", "1/2", "1", "2"])
        ax.minorticks_off()
    unit.set_ylabel("response at the centre")
    normalised.set_ylabel("share of its peak")
    unit.legend()
    return done(figure)


def centre_response(field: Tensor, kernel: Tensor) -> float:
    """Response of an odd kernel at the middle of an odd map."""
    middle = field.shape[-1] // 2
    padded = F.pad(field, (len(kernel) // 2,) * 4)
    response = F.conv2d(padded, kernel[None, None])
    return response[0, 0, middle, middle].item()


def fixed_kernel_on_discs(
    radii: tuple[float, ...] = (1.5, 3, 6), sigma: float = 1.0, side: int = 27
) -> Figure:
    """What one small kernel keeps of objects smaller and larger than itself."""
    kernel = laplacian_of_gaussian(sigma)
    figure, axes = panels(2 * len(radii), height=1.7)
    for index, radius in enumerate(radii):
        field = disc(radius, side)
        response = lateral_response(field, kernel)[0, 0]
        show_map(axes[2 * index], field[0, 0], f"radius {radius:g}", cmap="gray")
        show_map(axes[2 * index + 1], response, "response", signed=True)
    return done(figure)
