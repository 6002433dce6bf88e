"""The finding of the book as one picture."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gradmask.lab.figures.style import COLOURS, INK, done, interval_line, subplots
from gradmask.lab.reports.stats import Interval

__all__ = ["found"]

APART = 0.3


def found(claims: Mapping[str, Mapping[str, Mapping[str, Interval]]]) -> Figure:
    """Gains over plain training, a panel for each claim, large enough for a phone.

    Filled dots: the interval excludes zero.

    Parameters
    ----------
    claims : mapping
        By claim, way to train and kind of scenes, from
        :func:`gradmask.lab.reports.finding.finding`.
    """
    ways = list(next(iter(claims.values())))
    drawn = [line for lines in claims.values() for line in lines.values()]
    places = list(dict.fromkeys(place for line in drawn for place in line))
    colours = dict(zip(places, (COLOURS["mask"], COLOURS["top-k"]), strict=False))
    figure, axes = subplots(2, rows=2, height=6.4, sharex=True, sharey=True)
    figure.set_figwidth(5.6)
    for ax, (claim, lines) in zip(axes.flat, claims.items(), strict=True):
        for y, way in enumerate(ways):
            for place, interval in lines[way].items():
                at = y + APART * (places.index(place) - 0.5)
                points = [100 * value for value in interval]
                filled = interval.excludes_zero
                interval_line(ax, points, at, colours[place], filled=filled)
        ax.axvline(0, color=INK, lw=1)
        ax.set_title(claim, fontsize=10)
        ax.grid(axis="y")
    axes[0, 0].set_yticks(range(len(ways)), ways)
    axes[0, 0].set_ylim(len(ways) - 0.4, -0.6)
    figure.supxlabel("points more than plain training (right: better)", fontsize=9)
    shown = [
        Line2D([], [], marker="o", color=colour, label=place)
        for place, colour in colours.items()
    ]
    figure.legend(handles=shown, loc="outside upper center", ncols=2, fontsize=9)
    return done(figure)
