"""Pictures of the hunt: one effect in many regimes, and backgrounds that mislead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from gradmask.lab.data.shortcuts import stripe_response
from gradmask.lab.figures.ablations import draw_effect, finish_effects
from gradmask.lab.figures.results import STYLES
from gradmask.lab.figures.style import (
    COLOURS,
    INK,
    done,
    legend_below,
    panels,
    show_map,
)
from gradmask.lab.records import Row
from gradmask.lab.reports.comparison import BASELINES, effect, summary
from gradmask.lab.reports.stats import Interval

__all__ = ["Lead", "answers", "blindness", "regimes", "scenes"]


class Lead(NamedTuple):
    """A mask's lead where stripes lie: kernel and stripes in pixels, and how large."""

    sigma: float
    period: float
    interval: Interval


def regimes(
    records: Mapping[str, Sequence[Row]],
    mask: str,
    quantities: Mapping[str, str],
    controls: Sequence[str] = BASELINES,
) -> Figure:
    """One mask's differences to what stands beside it, in points, in several regimes.

    Parameters
    ----------
    records : mapping of str to sequence of dict
        Rows of the regimes' records by the regimes' titles, from top to bottom.
    mask : str
        Which mask.
    quantities : mapping of str to str
        Which numbers, all of them shares, and the title of each one's panel.
    controls : sequence of str
        Which of `BASELINES`; all by default.
    """
    height = 1.1 + 0.75 * len(records)
    figure, axes = panels(len(quantities), height=height, sharey=True)
    axes = np.atleast_1d(axes)
    places = range(len(records), 0, -1)
    for ax, (quantity, title) in zip(axes, quantities.items(), strict=True):
        for y, rows in zip(places, records.values(), strict=True):
            for step, name in enumerate(controls):
                interval = effect(rows, mask, f"{mask}, {name}", quantity)
                place = y + 0.09 * (len(controls) - 1) - 0.18 * step
                draw_effect(ax, interval, place, STYLES[name][0])
        finish_effects(ax, title, len(records))
    axes[0].set_yticks(places, list(records))
    for name in controls:
        axes[0].plot([], [], "o", color=STYLES[name][0], label=f"− {name}")
    legend_below(figure, axes[0])
    return done(figure)


def scenes(images: Mapping[str, Tensor], radius: float) -> Figure:
    """Scenes beside one another, each with a circle of a kernel's centre.

    Parameters
    ----------
    images : mapping of str to Tensor
        Scenes (H, W) by their titles.
    radius : float
        Of the circle, in pixels.
    """
    figure, axes = panels(len(images), height=2.1)
    for ax, (title, image) in zip(axes, images.items(), strict=True):
        show_map(ax, image, title, cmap="gray", vmin=0, vmax=0.6)
        middle = (image.shape[-1] - 1) / 2
        circle = Circle((middle, middle), radius, fill=False, color=COLOURS["mask"])
        ax.add_patch(circle)
    return done(figure)


def answers(groups: Mapping[str, Sequence[Row]], variants: Sequence[str]) -> Figure:
    """What networks answer: what is there, what the background says, or a third thing.

    Parameters
    ----------
    groups : mapping of str to sequence of dict
        Rows with "test accuracy" and "misled", by the title of their panel.
    variants : sequence of str
        A bar for each, from top to bottom.
    """
    height = 1.1 + 0.3 * len(variants)
    figure, axes = panels(len(groups), height=height, sharey=True)
    axes = np.atleast_1d(axes)
    places = range(len(variants), 0, -1)
    for ax, (title, rows) in zip(axes, groups.items(), strict=True):
        right, misled = (
            np.array([100 * summary(rows, name, q).mean for name in variants])
            for q in ("test accuracy", "misled")
        )
        ax.barh(places, right, color=COLOURS["object"], label="the object")
        ax.barh(places, misled, left=right, color=COLOURS["top-k"], label="the stripes")
        rest = 100 - right - misled
        ax.barh(places, rest, left=right + misled, color="#d5d9dd", label="neither")
        ax.set(title=title, xlim=(0, 100))
        ax.grid(axis="y")
    axes[0].set_yticks(places, variants)
    axes[len(axes) // 2].set(xlabel="% of the test scenes")
    legend_below(figure, axes[0])
    return done(figure)


def blindness(leads: Sequence[Lead]) -> Figure:
    """What kernels see of stripes; and leads over that, a little apart by kernel.

    Parameters
    ----------
    leads : sequence of Lead
        One for each kernel and width of stripes.
    """
    figure, (seen, led) = panels(2, height=3.0)
    periods = np.geomspace(2, 64, 200)
    colours = list(COLOURS.values())
    sigmas = sorted({lead.sigma for lead in leads}, reverse=True)
    for step, (sigma, colour) in enumerate(zip(sigmas, colours, strict=False)):
        label = f"sigma {sigma:g}"
        seen.plot(
            periods, [stripe_response(sigma, p) for p in periods], color=colour,
            label=label,
        )  # fmt: skip
        for lead in (lead for lead in leads if lead.sigma == sigma):
            response = stripe_response(sigma, lead.period)
            seen.plot(lead.period, response, "o", color=colour, ms=5)
            mean, low, high = (100 * value for value in lead.interval)
            x = response + 0.03 * step
            led.plot([x] * 2, [low, high], color=colour, lw=2)
            face = colour if lead.interval.excludes_zero else "white"
            led.plot(x, mean, "o", mfc=face, mec=colour, ms=6)
            led.annotate(
                f"{lead.period:g}", (x, mean), (5, 3),
                textcoords="offset points", fontsize=8, color=INK,
            )  # fmt: skip
    seen.set_xscale("log", base=2)
    seen.set_xticks([2, 4, 8, 16, 32, 64], [2, 4, 8, 16, 32, 64])
    seen.set(xlabel="from stripe to stripe, in pixels", title="response of the kernel")
    led.axhline(0, color=INK, lw=1)
    led.set(xlabel="response of the kernel", title="lead, in points")
    legend_below(figure, seen)
    return done(figure)
