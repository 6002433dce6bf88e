"""Predicted against measured: over a setting, over one another, and on a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator
from numpy.typing import ArrayLike

from gradmask.lab.figures.names import colour_of, name_ends
from gradmask.lab.figures.style import (
    COLOURS,
    INK,
    done,
    outline,
    show_map,
    subplots,
)
from gradmask.lab.reports.stats import Interval

__all__ = ["Comparison", "against", "kept_share", "predicted_and_measured", "ratios"]

_PALETTE = [COLOURS[name] for name in ("mask", "object", "top-k", "other", "random")]
_MARKERS = "os^Dv"
_GROUPS = {
    "lateral masks": (COLOURS["mask"], 0.12),
    "random": (COLOURS["random"], 0.5),
    "the object itself": (COLOURS["object"], 0.5),
}


class Comparison(NamedTuple):
    """Measured intervals over x by the name of a series, and what was predicted.

    A series may have several predictions, by name; the first is drawn solid.
    """

    x: Sequence[float]
    measured: Mapping[str, Sequence[Interval]]
    predicted: Mapping[str, Mapping[str, Sequence[float]]]


def kept_share(
    predicted: Mapping[float, ArrayLike],
    measured: Mapping[float, ArrayLike],
    reach: Mapping[float, ArrayLike],
    support: ArrayLike,
) -> Figure:
    """How often positions are kept: both maps, and the cut through the middle.

    Parameters
    ----------
    predicted, measured : mapping of float to array, shape (H, W)
        Shares by the threshold; those of the first are drawn as pictures.
    reach : mapping of float to array, shape (H, W)
        How far the intervals of the measured shares reach on either side.
    support : array, shape (H, W)
        True on the object.
    """
    figure, axes = subplots(3, height=2.6, width_ratios=[1, 1, 1.9])
    first = next(iter(predicted))
    for ax, field, title in (
        (axes[0], predicted[first], "predicted"),
        (axes[1], measured[first], "measured"),
    ):
        share = np.asarray(field) - 0.5
        show_map(ax, share, title, signed=True, vmin=-0.5, vmax=0.5)
        outline(ax, support)
    on = np.asarray(support, dtype=bool)
    cut, middle = axes[2], len(on) // 2
    x = np.arange(on.shape[1]) - middle
    inside = x[on[middle]]
    cut.axvspan(inside[0] - 0.5, inside[-1] + 0.5, color=COLOURS["top-k"], alpha=0.15)
    for colour, threshold in zip(_PALETTE, predicted, strict=False):
        line, share, ends = (
            np.asarray(maps[threshold])[middle] for maps in (predicted, measured, reach)
        )
        cut.errorbar(x, share, ends, fmt=".", ms=4, lw=1, color=colour)
        cut.plot(x, line, color=colour, lw=1.2, label=f"threshold {threshold:g}")
    cut.axhline(0.5, color=INK, lw=0.8, ls=":")
    cut.set(title="Share kept, middle row", xlabel="pixels from the centre")
    cut.set_ylim(-0.02, 1.06)
    name_ends(cut)
    return done(figure)


def ratios(
    groups: Mapping[str, Mapping[str, Sequence[tuple[float, Interval]]]],
) -> Figure:
    """Measured gain over the predicted one, at every predicted gain.

    Parameters
    ----------
    groups : mapping
        For every panel's title, by series, pairs of prediction and measurement.
    """
    figure, axes = subplots(len(groups), height=3.0, squeeze=False, sharey=True)
    for ax, (title, series) in zip(axes[0], groups.items(), strict=True):
        ax.axhspan(0.95, 1.05, color="#e6e9ec", lw=0)
        ax.axhline(1, color=INK, lw=0.8)
        for (name, points), colour, marker in zip(
            series.items(), _PALETTE, _MARKERS, strict=False
        ):
            x = [predicted for predicted, _ in points]
            ratios = [
                Interval(*(end / predicted for end in measured))
                for predicted, measured in points
            ]
            _bars(ax, x, ratios, colour, marker, name)
        ax.set(xscale="log", title=title, xlabel="predicted gain")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.legend(ncols=2, fontsize=8)
    axes[0, 0].set_ylabel("measured / predicted")
    return done(figure)


def against(
    comparisons: Mapping[str, Comparison],
    xlabel: str,
    ylabel: str = "gain",
    *,
    log: str = "",
    mark: float | None = None,
    height: float = 3.0,
) -> Figure:
    """Measurements as dots with intervals over x, predictions as lines, in panels.

    Parameters
    ----------
    comparisons : mapping of str to Comparison
        By the panel's title; panels share the vertical axis.
    xlabel, ylabel : str
        Of the axes.
    log : str, default ""
        Axes that are logarithmic: "x", "y" or "xy".
    mark : float, optional
        A place on the horizontal axis to mark.
    height : float, default 3.0
        Of the figure, in inches.
    """
    figure, axes = subplots(len(comparisons), height=height, squeeze=False, sharey=True)
    for ax, (title, comparison) in zip(axes[0], comparisons.items(), strict=True):
        series = zip(comparison.measured.items(), _PALETTE, _MARKERS, strict=False)
        for (name, intervals), colour, marker in series:
            _bars(ax, comparison.x, intervals, colour, marker, name)
            lines = comparison.predicted.get(name, {})
            for (label, y), dash in zip(lines.items(), ("-", "--", ":"), strict=False):
                ax.plot(
                    comparison.x, y, dash, color=colour, lw=1.4, label=label or None
                )
        if ylabel == "gain":
            ax.axhline(1, color=INK, lw=0.8)
        if mark is not None:
            ax.axvline(mark, color=INK, lw=1, ls=":")
        ax.set(title=title, xlabel=xlabel)
        for axis, scale in (("x", ax.set_xscale), ("y", ax.set_yscale)):
            if axis in log:
                scale("log", base=2)
                getattr(ax, f"{axis}axis").set_major_formatter("{x:g}")
        if all(isinstance(value, int) for value in comparison.x):
            ax.set_xticks(comparison.x)
    for ax in axes[0]:
        _name(ax, roomy="y" in log)
    axes[0, 0].set_ylabel(ylabel)
    return done(figure)


def _name(ax: Axes, *, roomy: bool) -> None:
    """Name series where they end, if each has a colour of its own; else in a legend."""
    artists, names = ax.get_legend_handles_labels()
    if len(set(map(colour_of, artists))) == len(names):
        name_ends(ax)
        return
    crowded = len(names) > 4 and not roomy
    if crowded:
        ax.margins(y=0.25)
    ax.legend(ncols=1 + crowded)


def predicted_and_measured(
    panels: Mapping[str, Mapping[str, ArrayLike]],
) -> Figure:
    """Measured over predicted gains, four panels, controls in their colours.

    Parameters
    ----------
    panels : mapping of str to mapping of str to array, shape (N, 2)
        By the panel's title and the name of the group ("lateral masks", "random", "the
        object itself"), pairs of prediction and measurement.
    """
    figure, axes = subplots(2, 2, height=5.6, sharex=True, sharey=True)
    limits = (0.2, 8)
    for ax, (title, groups) in zip(axes.flat, panels.items(), strict=True):
        ax.plot(limits, limits, color=INK, lw=0.9)
        for name, dots in groups.items():
            colour, alpha = _GROUPS[name]
            look = {"color": colour, "alpha": alpha, "mew": 0, "rasterized": True}
            ax.plot(*np.transpose(dots), "o", ms=3, **look)
            ax.plot([], [], "o", color=colour, label=name)
        ax.set(title=title, xscale="log", yscale="log", xlim=limits, ylim=limits)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(FixedLocator([0.25, 0.5, 1, 2, 4, 8]))
            axis.set_major_formatter("{x:g}")
            axis.minorticks_off()
    for ax in axes[1]:
        ax.set_xlabel("predicted gain")
    for ax in axes[:, 0]:
        ax.set_ylabel("measured gain")
    axes[0, 0].legend(loc="upper left")
    return done(figure)


def _bars(
    ax: Axes,
    x: Sequence[float],
    intervals: Sequence[Interval],
    colour: str,
    marker: str,
    name: str,
) -> None:
    mean, low, high = np.array(intervals).T
    ax.errorbar(
        x, mean, [mean - low, high - mean], fmt=marker, ms=4.5, lw=1.2, color=colour,
        label=name,
    )  # fmt: skip
