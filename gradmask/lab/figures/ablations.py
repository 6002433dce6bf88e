"""Pictures of many variants beside one another, and of one effect in many regimes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gradmask.lab.comparison import baselines, effect
from gradmask.lab.figures.results import STYLES
from gradmask.lab.figures.style import (
    COLOURS,
    INK,
    done,
    interval_line,
    legend_below,
    panels,
    show_map,
)
from gradmask.lab.records import Row
from gradmask.lab.stats import Interval

__all__ = ["forest", "regimes", "weighings"]


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
        How: :func:`~gradmask.lab.comparison.effect` by default, or
        :func:`~gradmask.lab.comparison.at_equal_fit`.
    """
    height = 0.9 + 0.24 * len(variants)
    figure, axes = panels(len(quantities), height=height, sharey=True)
    places = range(len(variants), 0, -1)
    for ax, (quantity, title) in zip(
        np.atleast_1d(axes), quantities.items(), strict=True
    ):
        for y, variant in zip(places, variants, strict=True):
            interval = compare(rows, variant, baseline, quantity)
            _draw(ax, interval, y, COLOURS["mask"])
        _finish(ax, title, len(variants))
    np.atleast_1d(axes)[0].set_yticks(places, variants)
    figure.supxlabel(f"points, minus {baseline}", fontsize=9)
    return done(figure)


def regimes(
    records: Mapping[str, Sequence[Row]], mask: str, quantities: Mapping[str, str]
) -> Figure:
    """One mask's differences to its four baselines, in points, in several regimes.

    Parameters
    ----------
    records : mapping of str to sequence of dict
        Rows of the regimes' records by the regimes' titles, from top to bottom.
    mask : str
        Which mask.
    quantities : mapping of str to str
        Which numbers, all of them shares, and the title of each one's panel.
    """
    height = 1.1 + 0.75 * len(records)
    figure, axes = panels(len(quantities), height=height, sharey=True)
    axes = np.atleast_1d(axes)
    places = range(len(records), 0, -1)
    for ax, (quantity, title) in zip(axes, quantities.items(), strict=True):
        for y, rows in zip(places, records.values(), strict=True):
            for step, name in enumerate(baselines(mask)):
                colour, _ = STYLES[name.partition(", ")[2]]
                interval = effect(rows, mask, name, quantity)
                _draw(ax, interval, y + 0.27 - 0.18 * step, colour)
        _finish(ax, title, len(records))
    axes[0].set_yticks(places, list(records))
    for name in baselines(mask):
        control = name.partition(", ")[2]
        axes[0].plot([], [], "o", color=STYLES[control][0], label=f"− {control}")
    legend_below(figure, axes[0])
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


def _draw(ax: Axes, interval: Interval, y: float, colour: str) -> None:
    in_points = [100 * value for value in interval]
    interval_line(ax, in_points, y, colour, filled=interval.excludes_zero, size=5.5)


def _finish(ax: Axes, title: str, lines: int) -> None:
    ax.axvline(0, color=INK, lw=1)
    ax.set(title=title, ylim=(0.4, lines + 0.6))
    ax.grid(axis="y")
