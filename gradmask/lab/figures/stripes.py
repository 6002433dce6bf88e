"""Stripes behind the objects: what networks answer, and what kernels see of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gradmask.lab.figures.style import (
    COLOURS,
    INK,
    done,
    interval_line,
    legend_below,
    subplots,
)
from gradmask.lab.reports.stats import Interval

__all__ = ["Lead", "answers", "blindness"]


class Lead(NamedTuple):
    """How much more accurate a mask is than plain training where stripes lie.

    Attributes
    ----------
    sigma, period : float
        Scale of the kernel and distance of the stripes, in pixels.
    response : float
        How strongly the kernel answers to them.
    interval : Interval
        The lead, a share.
    """

    sigma: float
    period: float
    response: float
    interval: Interval


def answers(panels: Mapping[str, Mapping[str, tuple[float, float]]]) -> Figure:
    """What networks answer: what is there, what the background says, or a third thing.

    Parameters
    ----------
    panels : mapping of str to mapping of str to (float, float)
        By the panel's title and the bar's name, from top to bottom, the shares of
        scenes with either answer.
    """
    names = list(next(iter(panels.values())))
    height = 1.1 + 0.3 * len(names)
    figure, axes = subplots(len(panels), height=height, sharey=True, squeeze=False)
    places = range(len(names), 0, -1)
    for ax, (title, bars) in zip(axes[0], panels.items(), strict=True):
        right, misled = 100 * np.array([bars[name] for name in names]).T
        ax.barh(places, right, color=COLOURS["object"], label="the object")
        ax.barh(places, misled, left=right, color=COLOURS["top-k"], label="the stripes")
        rest = 100 - right - misled
        ax.barh(places, rest, left=right + misled, color="#d5d9dd", label="neither")
        ax.set(title=title, xlim=(0, 100))
        ax.grid(axis="y")
    axes[0, 0].set_yticks(places, names)
    axes[0, len(panels) // 2].set(xlabel="% of the test scenes")
    legend_below(figure, axes[0, 0])
    return done(figure)


def blindness(
    leads: Sequence[Lead],
    periods: Sequence[float],
    responses: Mapping[float, ArrayLike],
) -> Figure:
    """What kernels see of stripes; and leads, by the stripes and the kernel.

    Parameters
    ----------
    leads : sequence of Lead
        One for each kernel and width of stripes.
    periods : sequence of float
        Distances of stripes, in pixels, at which the curves are drawn.
    responses : mapping of float to array
        Of each kernel, by its sigma, the responses to these in the order of the legend.
    """
    figure, (seen, led) = subplots(2, height=3.6)
    colours = dict(zip(responses, COLOURS.values(), strict=False))
    for sigma, curve in responses.items():
        seen.plot(
            periods, 100 * np.asarray(curve), color=colours[sigma],
            label=f"sigma {sigma:g}",
        )  # fmt: skip
    groups = {wide: [x for x in leads if x.period == wide] for wide in _periods(leads)}
    for row, group in enumerate(groups.values()):
        for index, lead in enumerate(group):
            colour = colours[lead.sigma]
            seen.plot(lead.period, 100 * lead.response, "o", color=colour, ms=5)
            y = row + 0.24 * (index - (len(group) - 1) / 2)
            ends, clear = (
                [100 * end for end in lead.interval],
                lead.interval.excludes_zero,
            )
            interval_line(led, ends, y, colour, filled=clear, size=5.5)
            led.annotate(
                f"sees {100 * lead.response:.0f} %", (1.0, y),
                xycoords=("axes fraction", "data"), va="center", fontsize=8,
            )  # fmt: skip
    seen.set_xscale("log", base=2)
    seen.set_xticks([2, 4, 8, 16, 32, 64], [2, 4, 8, 16, 32, 64])
    seen.set(xlabel="from stripe to stripe, in pixels")
    seen.set(title="What a kernel sees of stripes (%)")
    led.axvline(0, color=INK, lw=1)
    led.set_yticks(range(len(groups)), [f"{wide:g} pixels" for wide in groups])
    led.set_ylim(len(groups) - 0.5, -0.5)
    led.grid(axis="y")
    led.set(xlabel="points of accuracy vs. plain; right: better")
    led.set(title="What the mask gains")
    legend_below(figure, seen)
    return done(figure)


def _periods(leads: Sequence[Lead]) -> list[float]:
    return sorted({lead.period for lead in leads})
