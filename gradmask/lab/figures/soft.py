"""Weights in the place of bits: on a map, over the response, and down the loss."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gradmask.lab.figures.names import name_ends
from gradmask.lab.figures.style import (
    COLOURS,
    INK,
    done,
    outline,
    show_map,
    subplots,
)
from gradmask.lab.reports.stats import Course

__all__ = ["bits_and_weights", "descents", "evidence"]

_PALETTE = [COLOURS[name] for name in ("plain", "random", "mask", "object")]


def bits_and_weights(
    support: ArrayLike, response: ArrayLike, bits: ArrayLike, weights: ArrayLike
) -> Figure:
    """Draw one sample's response, and the hard and the soft mask made from it.

    Parameters
    ----------
    support : array of bool, shape (H, W)
        True on the object.
    response, bits, weights : array, shape (H, W)
        Lateral response, bits of the hard mask, weights of the soft one.
    """
    figure, axes = subplots(3, height=1.7)
    show_map(axes[0], response, "response r", signed=True)
    show_map(axes[1], bits, "hard mask", cmap="gray", vmin=0, vmax=1)
    show_map(axes[2], weights, "soft mask", cmap="gray", vmin=0)
    figure.colorbar(axes[2].images[0], ax=axes[2], shrink=0.85)
    for ax in axes:
        outline(ax, support)
    return done(figure)


def evidence(
    response: ArrayLike,
    densities: Mapping[str, ArrayLike],
    weights: Mapping[str, ArrayLike],
) -> Figure:
    """Draw densities of the response, and what masks make of it.

    Parameters
    ----------
    response : array, shape (L,)
        Where densities and weights are given.
    densities, weights : mapping of str to array, shape (L,)
        By the name of the part of the map, and by that of the mask.
    """
    figure, axes = subplots(2, height=2.8, sharex=True)
    fills = (COLOURS["top-k"], COLOURS["plain"])
    for (name, density), colour in zip(densities.items(), fills, strict=True):
        axes[0].fill_between(response, density, color=colour, alpha=0.35, lw=0)
        axes[0].plot(response, density, color=colour, label=name)
    for (name, weight), colour in zip(weights.items(), _PALETTE[1:], strict=False):
        axes[1].plot(response, weight, color=colour, label=name)
    axes[0].set(title="Density", xlabel="response", ylim=(0, None))
    axes[1].set(title="Weight", xlabel="response")
    for ax in axes:
        ax.legend(loc="upper left")
    return done(figure)


def descents(courses: Mapping[str, Course], critical: float) -> Figure:
    """Draw the signal's strength, which is the loss, over the steps of training.

    Parameters
    ----------
    courses : mapping of str to Course
        By the name of the mask.
    critical : float
        The critical strength of the hard mask.
    """
    figure, ax = subplots(1, height=3.4)
    for (name, course), colour in zip(courses.items(), _PALETTE, strict=False):
        mean, low, high = np.array(course.y).T
        ax.plot(course.x, mean, color=colour, label=name)
        ax.fill_between(course.x, low, high, color=colour, alpha=0.2, lw=0)
    ax.axhline(critical, color=INK, lw=1, ls=":", label="critical strength")
    ax.set_yscale("log")
    ax.set(xlabel="steps", ylabel="strength of the signal")
    name_ends(ax)
    return done(figure)
