"""Intervals on horizontal lines: effects, checks of a measure, and costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gradmask.lab.figures.style import (
    COLOURS,
    COMPARED,
    GREY,
    INK,
    Place,
    Style,
    done,
    interval_line,
    legend_outside,
    subplots,
)
from gradmask.lab.reports.stats import Interval

__all__ = [
    "calibration",
    "compared",
    "forest",
    "step_ratios",
]

Line = Interval | Mapping[str, Interval]
"""One interval, or several of one line by the name of their series."""

_DOT = Style(COLOURS["mask"])
_COSTS = {
    "signal": Style(COLOURS["mask"]),
    "signal, two scales": Style(COLOURS["mask"]),
    "signal, floor": Style(COLOURS["mask"]),
    "plain hook": Style(COLOURS["plain"]),
    "plain hook, one sample at a time": Style(COLOURS["plain"]),
}
_COST = Style(COLOURS["top-k"])


def forest(
    panels: Mapping[str, Mapping[str, Line]],
    unit: str = "",
    *,
    styles: Mapping[str, Style] | None = None,
    scale: float = 1.0,
    zero: bool = True,
    minus: bool = False,
    sharex: bool = False,
    within: Iterable[Interval] = (),
) -> Figure:
    """Paired differences with their intervals, zero marked.

    Dots are filled where the interval excludes zero.

    Parameters
    ----------
    panels : mapping of str to mapping of str to Line
        By the panel's title and the line's name, from top to bottom, an interval, or
        several of them by the name of their series.
    unit : str, default ""
        Of the axis.
    styles : mapping of str to Style, optional
        By the name of the series or, where a line has one interval, of the line; blue
        dots otherwise.
    scale : float, default 1.0
        What the numbers are multiplied by: 100 for points.
    zero : bool, default True
        Whether these are differences.  If not, zero is not marked and all dots are
        filled.
    minus : bool, default False
        Whether the styles' names are what is subtracted, to be written after "vs.".
    sharex : bool, default False
        Whether the panels share the horizontal axis.
    within : iterable of Interval, default ()
        What the horizontal axis holds, too, so that figures can be compared.
    """
    styles = styles or {}
    ends = [(scale * end, 0) for interval in within for end in interval]
    lines = next(iter(panels.values()))
    series = ([""] if isinstance(x, Interval) else list(x) for x in lines.values())
    most = max(series, key=len)
    several = len(most) > 1
    height = 0.9 + (0.18 + 0.09 * len(most)) * len(lines) + 0.2 * several
    figure, axes = subplots(
        len(panels), height=height, sharex=sharex, sharey=True, squeeze=False
    )
    for ax, (title, drawn) in zip(axes[0], panels.items(), strict=True):
        for y, (name, line) in enumerate(drawn.items()):
            dots = {name: line} if isinstance(line, Interval) else line
            for index, (key, interval) in enumerate(dots.items()):
                at = y + 0.17 * (index - (len(dots) - 1) / 2)
                style = styles.get(key, _DOT)
                _dot(ax, interval, at, style, scale, zero, 5.5 if several else 6.5)
        if zero:
            ax.axvline(0, color=INK, lw=1)
        if ends:
            ax.update_datalim(ends)
        ax.set(title=title)
        ax.locator_params(
            axis="x", nbins=max(4, 12 // len(panels)), steps=[1, 2, 5, 10]
        )
        ax.grid(axis="y")
    prefix = "vs. " if minus else ""
    names = [name if several else prefix + name for name in lines]
    axes[0, 0].set_yticks(range(len(lines)), names)
    axes[0, 0].set_ylim(len(lines) - 0.4, -0.6)
    if several:
        for name in most:
            style = styles.get(name, _DOT)
            axes[0, 0].plot(
                [], [], style.marker, color=style.colour, label=prefix + name
            )
        place: Place = "outside upper right" if unit else "outside lower center"
        legend_outside(figure, axes[0, 0], place)
    if unit:
        figure.supxlabel(unit, fontsize=9)
    return done(figure)


def compared(
    panels: Mapping[str, Mapping[str, Line]],
    unit: str = "points; right of zero: the mask is better",
    *,
    sharex: bool = False,
    within: Iterable[Interval] = (),
) -> Figure:
    """Differences of masks to what they are compared with, in points.

    Parameters
    ----------
    panels, unit, sharex, within
        As of :func:`forest`, shares; the names of lines or series are those of
        baselines.
    """
    look: dict[str, Any] = {"styles": COMPARED, "scale": 100, "minus": True}
    return forest(panels, unit, sharex=sharex, within=within, **look)


def calibration(
    panels: Mapping[str, Mapping[str, Interval]], null: Mapping[str, float]
) -> Figure:
    """Contrast and lateral quality of noises, without structure and with an object.

    Parameters
    ----------
    panels : mapping of str to mapping of str to Interval
        Three panels: the contrast; the lateral quality without structure, about zero;
        that of an object.  In each an interval for every noise.
    null : mapping of str to float
        For every noise the contrast that the formula expects.
    """
    figure, axes = subplots(len(panels), height=2.3, sharey=True)
    for ax, (title, lines) in zip(axes, panels.items(), strict=True):
        for y, interval in enumerate(lines.values()):
            _dot(ax, interval, y, _DOT, 1.0, zero=False, size=6)
        ax.axvline(0, color=GREY, lw=0.9)
        ax.set_title(title)
        ax.grid(axis="y")
    marker = {"mfc": "none", "mec": COLOURS["object"], "label": "formula"}
    axes[0].plot(list(null.values()), range(len(null)), "D", **marker)
    axes[0].legend(loc="lower right")
    axes[0].set_xlim(-0.05, 1.05)
    limit = 1.3 * max(abs(x) for x in axes[1].dataLim.intervalx)
    axes[1].set_xlim(-limit, limit)
    axes[0].set_yticks(range(len(null)), list(null))
    axes[0].invert_yaxis()
    return done(figure)


def step_ratios(ratios: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """Time of a step with each mask over a plain one: medians, between quartiles.

    Hollow: the floor, which every mask on its route must pay.

    Parameters
    ----------
    ratios : mapping of str to mapping of str to Interval
        By network and variant the median and both quartiles.
    """
    names = list(dict.fromkeys(name for lines in ratios.values() for name in lines))
    figure, axes = subplots(
        len(ratios), height=2.9, sharex=True, sharey=True, squeeze=False
    )
    for ax, (network, lines) in zip(axes[0], ratios.items(), strict=True):
        for name, (middle, low, high) in lines.items():
            y, colour = names.index(name), _COSTS.get(name, _COST).colour
            ax.plot([low, high], [y, y], color=colour, lw=3, alpha=0.45)
            face = "white" if "floor" in name else colour
            ax.plot(middle, y, "o", mfc=face, mec=colour, mew=1.6, ms=6)
        ax.axvline(1, color=INK, lw=1)
        ax.set_xscale("log")
        ax.set_xticks([1, 1.2, 1.5, 2, 3])
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set(title=network, xlabel="time of a step, over plain")
        ax.grid(axis="y")
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].invert_yaxis()
    return done(figure)


def _dot(
    ax: Axes,
    interval: Interval,
    y: float,
    style: Style,
    scale: float,
    zero: bool,
    size: float,
) -> None:
    filled = interval.excludes_zero or not zero
    scaled = [scale * value for value in interval]
    interval_line(
        ax, scaled, y, style.colour, filled=filled, marker=style.marker, size=size
    )
