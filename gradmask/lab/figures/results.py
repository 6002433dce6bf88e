"""Pictures of a comparison: effects with their intervals, and curves over a level."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradmask.lab.figures.style import (
    COLOURS,
    INK,
    done,
    interval_line,
    legend_below,
    panels,
)
from gradmask.lab.records import Row
from gradmask.lab.reports.comparison import BASELINES, baselines, effect, summary
from gradmask.lab.reports.stats import Interval, mean_interval

__all__ = ["curves", "effects", "schedules"]

STYLES: dict[str, tuple[str, str]] = {
    "mask": (COLOURS["mask"], "-"),
    "plain": (COLOURS["plain"], "-"),
    "stopped early": (COLOURS["object"], "--"),
    "random": (COLOURS["random"], "-."),
    "top-k": (COLOURS["top-k"], ":"),
    "literal": (COLOURS["other"], "--"),
}


def effects(
    rows: Sequence[Row], masks: Sequence[str], quantity: str, unit: str, scale: float
) -> Figure:
    """Paired differences of each mask to plain training and to every control.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    masks : sequence of str
        A panel for each.
    quantity : str
        Which number; larger is better.
    unit : str
        Of the axis.
    scale : float
        What the numbers are multiplied by: 100 for points.
    """
    figure, axes = panels(len(masks), height=2.1, sharex=True, sharey=True)
    for ax, mask in zip(np.atleast_1d(axes), masks, strict=True):
        names = list(reversed(baselines(mask)))
        for y, name in enumerate(names):
            interval = effect(rows, mask, name, quantity)
            scaled = [scale * value for value in interval]
            colour = STYLES[name.partition(", ")[2]][0]
            interval_line(ax, scaled, y, colour, filled=interval.excludes_zero)
        ax.axvline(0, color=INK, lw=1)
        labels = [f"− {name.partition(', ')[2]}" for name in names]
        ax.set_yticks(range(len(names)), labels)
        ax.set(title=mask, ylim=(-0.6, len(names) - 0.4))
        ax.grid(axis="y")
    figure.supxlabel(unit, fontsize=9)
    return done(figure)


def curves(
    rows: Sequence[Row],
    masks: Sequence[str],
    levels: Mapping[float, str],
    xlabel: str,
    ylabel: str,
) -> Figure:
    """Mean and 95 % interval over a level, for each mask beside its controls.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    masks : sequence of str
        A panel for each.
    levels : mapping of float to str
        The record's number for each position on the horizontal axis.
    xlabel, ylabel : str
        Titles of the axes.
    """
    figure, axes = panels(len(masks), height=2.7, sharex=True, sharey=True)
    axes = np.atleast_1d(axes)
    for ax, mask in zip(axes, masks, strict=True):
        _curve(ax, rows, mask, levels, "mask")
        for baseline, name in zip(BASELINES, baselines(mask), strict=True):
            _curve(ax, rows, name, levels, baseline)
        ax.set(title=mask, xlabel=xlabel)
    axes[0].set_ylabel(ylabel)
    axes[0].legend()
    return done(figure)


def schedules(
    rows: Sequence[Row], variants: Mapping[str, str], quantities: Mapping[str, str]
) -> Figure:
    """Mean and 95 % interval over the length of training, a line for each variant.

    Parameters
    ----------
    rows : sequence of dict
        Rows of one record, or of several with the same seeds.
    variants : mapping of str to str
        Which, and the style of each one's line, one of `STYLES`.
    quantities : mapping of str to str
        Which numbers, all of them shares, and the title of each one's panel.
    """
    figure, axes = panels(len(quantities), height=2.9, sharex=True)
    axes = np.atleast_1d(axes)
    for ax, (quantity, title) in zip(axes, quantities.items(), strict=True):
        for variant, style in variants.items():
            values: defaultdict[int, list[float]] = defaultdict(list)
            for row in rows:
                if row["variant"] == variant:
                    values[row["epochs"]].append(row[quantity])
            epochs = sorted(values)
            intervals = [mean_interval(values[length]) for length in epochs]
            _band(ax, epochs, intervals, style, variant)
        ax.set(title=title, xscale="log", xlabel="epochs")
        ax.set_xticks([10, 30, 90], ["10", "30", "90"])
        ax.minorticks_off()
    axes[0].set_ylabel("%")
    legend_below(figure, axes[0])
    return done(figure)


def _curve(
    ax: Axes, rows: Sequence[Row], variant: str, levels: Mapping[float, str], style: str
) -> None:
    intervals = [summary(rows, variant, quantity) for quantity in levels.values()]
    _band(ax, list(levels), intervals, style, style)


def _band(
    ax: Axes,
    places: Sequence[float],
    intervals: Sequence[Interval],
    style: str,
    label: str,
) -> None:
    colour, line = STYLES[style]
    mean, low, high = 100 * np.array(intervals).T
    ax.plot(places, mean, color=colour, ls=line, label=label)
    ax.fill_between(places, low, high, color=colour, alpha=0.15, lw=0)
