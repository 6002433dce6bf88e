"""Differences seed by seed, where there are too few seeds for an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from gradmask.lab.figures.style import COLOURS, INK, done, subplots

__all__ = ["seed_by_seed"]


def seed_by_seed(
    panels: Mapping[str, Mapping[str, Sequence[float]]], unit: str
) -> Figure:
    """A dot for every seed, zero marked.

    Parameters
    ----------
    panels : mapping of str to mapping of str to sequence of float
        By the panel's title and the line's name, from top to bottom, a difference for
        each seed: shares, drawn in points.
    unit : str
        Of the axis.
    """
    lines = list(next(iter(panels.values())))
    height = 1.0 + 0.3 * len(lines)
    figure, axes = subplots(len(panels), height=height, sharey=True, squeeze=False)
    for ax, (title, drawn) in zip(axes[0], panels.items(), strict=True):
        for y, values in enumerate(drawn.values()):
            points = [100 * value for value in values]
            ax.plot(points, [y] * len(points), "o", color=COLOURS["mask"], alpha=0.7)
        ax.axvline(0, color=INK, lw=1)
        ax.set_title(title)
        ax.grid(axis="y")
    axes[0, 0].set_yticks(range(len(lines)), lines)
    axes[0, 0].set_ylim(len(lines) - 0.4, -0.6)
    figure.supxlabel(unit, fontsize=9)
    return done(figure)
