"""Lateral inhibition itself: Mach bands, kernels, balance and scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gradmask.lab.figures.style import (
    COLOURS,
    GREY,
    done,
    show_map,
    signed_bar,
    subplots,
)

__all__ = ["balance", "hollow", "mach_bands", "profiles", "scales"]


def mach_bands(staircase: ArrayLike, perceived: ArrayLike) -> Figure:
    """Staircase of grey (side, width), and what a layer with inhibition makes of it."""
    light, seen = np.asarray(staircase), np.asarray(perceived)
    figure, (picture, profile) = subplots(1, rows=2, height=3.6, height_ratios=[1.1, 1])
    grey: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1, "aspect": "auto"}
    show_map(picture, light, "Even steps of grey", **grey)
    x = np.arange(light.shape[1])
    middle = len(light) // 2
    profile.plot(x, seen[middle], color=COLOURS["mask"], label="after inhibition")
    profile.plot(x, light[middle], color=COLOURS["plain"], ls="--", label="light")
    profile.set(xlabel="position (pixels)", ylabel="intensity", xlim=(0, len(x) - 1))
    profile.set_title("Along one row")
    profile.legend(loc="upper left")
    return done(figure)


def profiles(log: ArrayLike, dog: ArrayLike, crossing: float) -> Figure:
    """Laplacian and difference of Gaussians: as maps, and cut through the middle.

    Parameters
    ----------
    log, dog : array, shape (size, size)
        The kernels.
    crossing : float
        Radius at which both cross zero, in pixels.
    """
    figure, axes = subplots(3, height=2.5, width_ratios=[1, 1, 1.7])
    show_map(axes[0], log, "Laplacian of Gaussian", signed=True)
    show_map(axes[1], dog, "Difference of Gaussians", signed=True)
    middle = len(np.asarray(log)) // 2
    x = np.arange(2 * middle + 1) - middle
    first, second = (np.asarray(kernel)[middle] for kernel in (log, dog))
    axes[2].axhline(0, color=GREY, lw=0.8)
    axes[2].plot(x, first, color=COLOURS["mask"], label="Laplacian")
    axes[2].plot(x, second, color=COLOURS["object"], ls="--", label="difference")
    for side in (-1, 1):
        axes[2].axvline(side * crossing, color=GREY, lw=0.8, ls=":")
    axes[2].set(title="Cut through the middle", xlabel="pixels from the centre")
    axes[2].set_xticks(range(-middle, middle + 1, 5))
    axes[2].legend()
    return done(figure)


def balance(field: ArrayLike, responses: Mapping[str, ArrayLike]) -> Figure:
    """Noisy field with one bright disc, seen by kernels.

    Parameters
    ----------
    field : array, shape (H, W)
        The field.
    responses : mapping of str to array, shape (H, W)
        By the kernel's name; where they are positive, the mask keeps a position.
    """
    figure, axes = subplots(3, len(responses), 1.75 * len(responses), squeeze=False)
    for row, (name, values) in zip(axes, responses.items(), strict=True):
        kept = np.asarray(values) > 0
        show_map(row[0], field, "field", cmap="gray")
        show_map(row[1], values, "response", signed=True)
        title = f"mask, {kept.mean():.0%} kept"
        show_map(row[2], kept, title, cmap="gray", vmin=0, vmax=1)
        row[0].set_ylabel(name)
    signed_bar(figure, axes[0, 1], axes[:, 1], aspect=30)
    figure.set_layout_engine("compressed")
    return done(figure)


def scales(curves: Mapping[float, Mapping[str, ArrayLike]]) -> Figure:
    """Response at the centre of discs over the kernel's scale, by two conventions.

    Parameters
    ----------
    curves : mapping of float to mapping of str to array, shape (N,)
        By the radius of the disc: "scale", sigma over the radius; "unit", the response
        of kernels of unit norm; and "normalised", that of scale-normalised ones, as a
        share of its peak.
    """
    figure, (unit, normalised) = subplots(2, height=2.6)
    for (radius, curve), colour in zip(curves.items(), COLOURS.values(), strict=False):
        unit.plot(
            curve["scale"], curve["unit"], color=colour, label=f"radius {radius:g}"
        )
        normalised.plot(curve["scale"], curve["normalised"], color=colour)
    for ax, peak, title in (
        (unit, 1.0, "Unit-norm kernel"),
        (normalised, 1 / np.sqrt(2), "Scale-normalised kernel"),
    ):
        ax.axvline(peak, color=GREY, ls=":", lw=1)
        ax.set(xscale="log", title=title, xlabel="sigma / radius of the disc")
        ax.set_xticks([0.25, 0.5, 1, 2], ["1/4", "1/2", "1", "2"])
        ax.minorticks_off()
    unit.set_ylabel("response at the centre")
    normalised.set_ylabel("share of its peak")
    unit.legend()
    return done(figure)


def hollow(discs: Mapping[float, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """Discs and the responses of one small kernel to them, by the disc's radius."""
    figure, axes = subplots(2 * len(discs), height=1.7)
    pairs = zip(axes[::2], axes[1::2], discs.items(), strict=True)
    for first, second, (radius, (field, response)) in pairs:
        show_map(first, field, f"radius {radius:g}", cmap="gray")
        show_map(second, response, "response", signed=True)
    signed_bar(figure, axes[-1], axes, aspect=12)
    return done(figure)
