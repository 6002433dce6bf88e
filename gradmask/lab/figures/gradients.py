"""Gradients of single samples, as points of a plane."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gradmask.lab.figures.style import COLOURS, INK, done, subplots

__all__ = ["clouds"]


def clouds(parts: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Clouds of two-dimensional gradients, each with an arrow for its mean.

    Parameters
    ----------
    parts : mapping of str to array, shape (N, 2)
        A panel each, by its title; all on one scale.
    """
    reach = 1.05 * max(float(np.abs(points).max()) for points in parts.values())
    figure, axes = subplots(
        len(parts), height=2.7, sharex=True, sharey=True, squeeze=False
    )
    for ax, (title, points) in zip(axes[0], parts.items(), strict=True):
        ax.plot(*points.T, "o", ms=2, mec="none", color=COLOURS["mask"], alpha=0.4)
        ax.annotate(
            "",
            points.mean(0),
            (0, 0),
            arrowprops={"arrowstyle": "-|>", "lw": 2, "color": INK, "shrinkB": 0},
        )
        ax.set(title=title, xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        ax.set(xticks=[0], yticks=[0])
    return done(figure)
