"""Pictures of a comparison: effects with their intervals, and curves over a level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradmask.lab.comparison import BASELINES, baselines, effect, summary
from gradmask.lab.figures.style import COLOURS, INK, done, interval_line, panels
from gradmask.lab.records import Row

__all__ = ["curves", "effects"]

STYLES: dict[str, tuple[str, str]] = {
    "mask": (COLOURS["mask"], "-"),
    "plain": (COLOURS["plain"], "-"),
    "stopped early": (COLOURS["object"], "--"),
    "random": (COLOURS["random"], "-."),
    "top-k": (COLOURS["top-k"], ":"),
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


def _curve(
    ax: Axes, rows: Sequence[Row], variant: str, levels: Mapping[float, str], style: str
) -> None:
    colour, line = STYLES[style]
    intervals = [summary(rows, variant, quantity) for quantity in levels.values()]
    mean, low, high = 100 * np.array(intervals).T
    ax.plot(list(levels), mean, color=colour, ls=line, label=style)
    ax.fill_between(list(levels), low, high, color=colour, alpha=0.15, lw=0)
