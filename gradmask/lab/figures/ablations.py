"""Pictures of many variants beside one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gradmask.lab.figures.style import (
    COLOURS,
    INK,
    done,
    interval_line,
    panels,
    show_map,
)
from gradmask.lab.records import Row
from gradmask.lab.reports.comparison import effect
from gradmask.lab.reports.stats import Interval

__all__ = ["draw_effect", "finish_effects", "forest", "weighings"]


def forest(
    rows: Sequence[Row],
    variants: Sequence[str],
    baseline: str,
    quantities: Mapping[str, str],
    compare: Callable[[Sequence[Row], str, str, str], Interval] = effect,
) -> Figure:
    """Paired differences of variants to a baseline, in points, a panel for a quantity.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    variants : sequence of str
        From top to bottom.
    baseline : str
        What each is compared with.
    quantities : mapping of str to str
        Which numbers, all of them shares, and the title of each one's panel.
    compare : callable
        How: :func:`~gradmask.lab.reports.comparison.effect` by default, or
        :func:`~gradmask.lab.reports.comparison.at_equal_fit`.
    """
    height = 0.9 + 0.24 * len(variants)
    figure, axes = panels(len(quantities), height=height, sharey=True)
    places = range(len(variants), 0, -1)
    for ax, (quantity, title) in zip(
        np.atleast_1d(axes), quantities.items(), strict=True
    ):
        for y, variant in zip(places, variants, strict=True):
            interval = compare(rows, variant, baseline, quantity)
            draw_effect(ax, interval, y, COLOURS["mask"])
        finish_effects(ax, title, len(variants))
    np.atleast_1d(axes)[0].set_yticks(places, variants)
    figure.supxlabel(f"points, minus {baseline}", fontsize=9)
    return done(figure)


def weighings(energy: Tensor, weights: Mapping[str, Tensor]) -> Figure:
    """An energy map and what masks make of it, on one scale from nothing to twice.

    Parameters
    ----------
    energy : Tensor
        Map of shape (H, W).
    weights : mapping of str to Tensor
        What positions are weighed by, maps of the same shape, and their titles.
    """
    figure, axes = panels(1 + len(weights), height=2.1)
    show_map(axes[0], energy, "energy")
    for ax, (title, weight) in zip(axes[1:], weights.items(), strict=True):
        show_map(ax, weight, title, cmap="gray", vmin=0, vmax=2)
    return done(figure)


def draw_effect(ax: Axes, interval: Interval, y: float, colour: str) -> None:
    """Draw a paired difference of shares, in points."""
    in_points = [100 * value for value in interval]
    interval_line(ax, in_points, y, colour, filled=interval.excludes_zero, size=5.5)


def finish_effects(ax: Axes, title: str, lines: int) -> None:
    """Mark zero, and make room for so many lines, at 1, 2 and so on."""
    ax.axvline(0, color=INK, lw=1)
    ax.set(title=title, ylim=(0.4, lines + 0.6))
    ax.grid(axis="y")
