"""Curves over epochs, levels and shares: every seed, or means with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from gradmask.lab.figures.names import name_ends
from gradmask.lab.figures.style import (
    COLOURS,
    COMPARED,
    INK,
    MAPS,
    SIDES,
    Style,
    done,
    legend_below,
    legend_of_sides,
    subplots,
)
from gradmask.lab.reports.layers import LayerGain
from gradmask.lab.reports.stats import Course

__all__ = [
    "bands",
    "contrasts",
    "over_epochs",
    "overlap",
    "survivals",
    "transitions",
    "window",
]


def bands(
    panels: Mapping[str, Mapping[str, Course]],
    xlabel: str | Sequence[str],
    ylabel: str,
    *,
    styles: Mapping[str, Style] = COMPARED,
    scale: float = 100.0,
    sharey: bool = True,
) -> Figure:
    """Means with their intervals over a level, a panel for each group of series.

    Parameters
    ----------
    panels : mapping of str to mapping of str to Course
        By the panel's title and the name of the series.
    xlabel : str or sequence of str
        Title of the horizontal axis, which the panels then share, or of each panel's.
    ylabel : str
        Title of the vertical axis.
    styles : mapping of str to Style
        By the name of the series; those of a mask and its baselines by default.
    scale : float, default 100
        What the numbers are multiplied by; shares become per cent.
    sharey : bool, default True
        Whether the panels share the vertical axis.
    """
    sharex = isinstance(xlabel, str)
    titles = [xlabel] * len(panels) if isinstance(xlabel, str) else xlabel
    figure, axes = subplots(
        len(panels), height=2.9, sharex=sharex, sharey=sharey, squeeze=False
    )
    for ax, (title, series), below in zip(axes[0], panels.items(), titles, strict=True):
        for name, course in series.items():
            _band(ax, course, styles[name], name, scale)
        ax.set(title=title, xlabel=below)
        ax.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10], integer=True))
    axes[0, 0].set_ylabel(ylabel)
    legend_below(figure, axes[0, 0])
    return done(figure)


def over_epochs(
    panels: Mapping[str, Mapping[str, Course]], styles: Mapping[str, Style]
) -> Figure:
    """Shares over the length of training, a panel for each number and a dot for a run.

    Parameters
    ----------
    panels, styles
        As of :func:`bands`.
    """
    figure = bands(panels, "epochs", "%", styles=styles, sharey=False)
    for ax in figure.axes:
        ax.set_xscale("log")
        ax.set_xticks([10, 14, 30, 90], ["10", "14", "30", "90"])
        ax.minorticks_off()
        for line in ax.lines:
            line.set(marker="o", markersize=3.5)
    return figure


def overlap(panels: Mapping[str, Mapping[str, Course]]) -> Figure:
    """Overlap of boxes over the share of salient pixels, a panel for each family.

    Parameters
    ----------
    panels : mapping of str to mapping of str to Course
        By family and map, over per cent.
    """
    return bands(
        panels,
        "salient pixels (%)",
        "intersection over union",
        styles=MAPS,
        scale=1,
    )


def contrasts(
    kinds: Mapping[str, Mapping[str, Mapping[int, Course]]],
) -> Figure:
    """Contrast over epochs, a panel for each energy and head.

    Parameters
    ----------
    kinds : mapping
        By the energy, the network's head and the side of the layers' maps.
    """
    heads = list(next(iter(kinds.values())))
    shared = {"sharex": True, "sharey": True, "squeeze": False}
    figure, axes = subplots(len(heads), len(kinds), height=4.3, **shared)
    for line, (kind, by_head) in zip(axes, kinds.items(), strict=True):
        for ax, sides in zip(line, by_head.values(), strict=True):
            for side, course in sides.items():
                _band(ax, course, SIDES[side], alpha=0.2, marker="o", ms=3)
            ax.axhline(1, color=INK, lw=0.9)
            ax.set_yscale("log", base=2)
            ax.yaxis.set_major_formatter("{x:g}")
        line[0].set_ylabel(f"contrast of {kind}")
    for ax, head in zip(axes[0], heads, strict=True):
        ax.set_title(head)
    for ax in axes[-1]:
        ax.set(xlabel="epoch", xticks=course.x)
    legend_of_sides(figure)
    return done(figure)


def window(
    contrast: ArrayLike, bound: ArrayLike, gain: ArrayLike, layers: Sequence[LayerGain]
) -> Figure:
    """The window in which a mask can pay, in theory, and measured layers of a network.

    Parameters
    ----------
    contrast, bound, gain : array, shape (N,)
        Theory's bound and gain over the contrast.
    layers : sequence of LayerGain
        What was measured.
    """
    x, y = np.asarray(contrast), np.asarray(gain)
    figure, ax = subplots(1, height=3.3)
    ax.plot(x, bound, color=COLOURS["plain"], label="bound 1/w")
    ax.plot(x, y, color=INK, label="lateral mask, theory")
    ax.fill_between(x, 1, y, where=y > 1, color=COLOURS["mask"], alpha=0.15)
    for layer in layers:
        colour = SIDES[layer.side].colour
        fill = "white" if layer.epoch == 0 else colour
        ax.plot(layer.contrast, layer.gain, "o", ms=5, mec=colour, mfc=fill)
    ax.axhline(1, color=INK, lw=0.9)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")
    ax.set(xlabel="contrast of contribution energy, object over background")
    ax.set(ylabel="gain of SNR", ylim=(0.35, 7), xlim=(0.9, 40))
    ax.legend(loc="upper right")
    legend_of_sides(figure)
    return done(figure)


def survivals(curves: Mapping[str, Mapping[str, ArrayLike]]) -> Figure:
    """Rank correlation with the original while a network is randomised from the top.

    Parameters
    ----------
    curves : mapping of str to mapping of str to array
        For every map, by the layer that was randomised last, a value for each image;
        their mean is drawn.
    """
    figure, ax = subplots(1, height=3.1)
    layers = ["none", *next(iter(curves.values()))]
    for drawn, values in curves.items():
        means = [1.0, *(float(np.mean(np.asarray(v))) for v in values.values())]
        style = {"color": MAPS[drawn].colour, "ls": MAPS[drawn].line}
        ax.plot(range(len(layers)), means, marker="o", ms=3, label=drawn, **style)
    ax.set_xticks(range(len(layers)), layers, rotation=30, ha="right")
    ax.axhline(0, color=INK, lw=1)
    ax.set(xlabel="layer randomised last, from the top down", ylabel="rank correlation")
    name_ends(ax)
    return done(figure)


def transitions(panels: Mapping[str, Mapping[str, ArrayLike]]) -> Figure:
    """Mean probability of the class over the share of the pixels that were changed.

    Parameters
    ----------
    panels : mapping of str to mapping of str to array, shape (N, steps + 1)
        By the panel's title and the map, a curve for each image; their mean is drawn.
    """
    figure, axes = subplots(len(panels), height=2.9, sharey=True, squeeze=False)
    for ax, (title, curves) in zip(axes[0], panels.items(), strict=True):
        for drawn, curve in curves.items():
            share = np.linspace(0, 100, np.shape(curve)[1])
            style = {"color": MAPS[drawn].colour, "ls": MAPS[drawn].line}
            ax.plot(share, np.mean(np.asarray(curve), axis=0), label=drawn, **style)
        ax.set(title=title, xlabel="pixels changed (%)")
    axes[0, 0].set_ylabel("probability of the class")
    legend_below(figure, axes[0, 0])
    return done(figure)


def _band(
    ax: Axes,
    course: Course,
    style: Style,
    label: str | None = None,
    scale: float = 1.0,
    alpha: float = 0.15,
    **kwargs: Any,
) -> None:
    mean, low, high = scale * np.array(course.y).T
    ax.plot(course.x, mean, color=style.colour, ls=style.line, label=label, **kwargs)
    ax.fill_between(course.x, low, high, color=style.colour, alpha=alpha, lw=0)
