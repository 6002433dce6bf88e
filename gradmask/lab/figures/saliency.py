"""Pictures of saliency: the maps, how well they find objects, and what they survive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from torch import Tensor

from gradmask.lab.data.scenes import Scenes
from gradmask.lab.figures.quality_record import FAMILIES
from gradmask.lab.figures.style import (
    COLOURS,
    INK,
    done,
    interval_line,
    legend_below,
    panels,
    show_map,
)
from gradmask.lab.measures.saliency.localisation import SHARES
from gradmask.lab.records import Row
from gradmask.lab.reports.saliency import map_summary
from gradmask.lab.reports.stats import Interval

__all__ = [
    "MAP_STYLES",
    "beside",
    "gallery",
    "intervals",
    "overlap_over_share",
    "survivals",
    "transitions",
]

MAP_STYLES: dict[str, tuple[str, str]] = {
    "lateral": (COLOURS["mask"], "-"),
    "gradient": (COLOURS["top-k"], "-"),
    "integrated": (COLOURS["other"], "-"),
    "grad-cam": (COLOURS["object"], "-"),
    "grad-cam++": (COLOURS["random"], "-"),
    "random": (COLOURS["plain"], ":"),
    "centre": (COLOURS["plain"], "--"),
}
"""Colour and line of each map."""

Table = Mapping[str, Mapping[str, Mapping[str, Interval]]]


def gallery(scenes: Scenes, names: Sequence[str], maps: Mapping[str, Tensor]) -> Figure:
    """Scenes in columns, and below each its maps, with the object's box in all.

    Parameters
    ----------
    scenes : Scenes
        A column for each.
    names : sequence of str
        Name of each label.
    maps : mapping of str to Tensor
        Maps (N, H, W) of the scenes by the title of their row.
    """
    columns, lines = len(scenes.labels), 1 + len(maps)
    figure, axes = panels(columns, lines, height=0.3 + 0.73 * lines, squeeze=False)
    for ax, image, label in zip(axes[0], scenes.images, scenes.labels, strict=True):
        title = names[int(label)].replace("/", "/\n").replace(" ", "\n")
        show_map(ax, image[0], title, cmap="gray", vmin=0, vmax=1)
        ax.title.set(fontsize=8.5, horizontalalignment="center", position=(0.5, 1))
    for line, (title, drawn) in zip(axes[1:], maps.items(), strict=True):
        for ax, field in zip(line, drawn, strict=True):
            show_map(ax, field, "")
        line[0].set_ylabel(title, fontsize=8.5)
    for line in axes:
        for ax, box in zip(line, scenes.box, strict=True):
            _draw_box(ax, box, COLOURS["mask"] if ax in axes[0] else "white")
    return done(figure)


def beside(images: Tensor, maps: Mapping[str, Tensor]) -> Figure:
    """Photographs in rows, and beside each its maps.

    Parameters
    ----------
    images : Tensor
        Shape (N, 3, H, W), in [0, 1].
    maps : mapping of str to Tensor
        Maps (N, H, W) of the photographs by the title of their column.
    """
    columns = 1 + len(maps)
    figure, axes = panels(
        columns, len(images), height=0.3 + 7.4 / columns * len(images), squeeze=False
    )
    for index, line in enumerate(axes):
        show_map(line[0], images[index].permute(1, 2, 0), "" if index else "photograph")
        for ax, (title, drawn) in zip(line[1:], maps.items(), strict=True):
            show_map(ax, drawn[index], "" if index else title)
    return done(figure)


def intervals(table: Table, unit: str, *, zero: bool = True) -> Figure:
    """Means with their intervals, a panel for each measure, a colour for each family.

    Parameters
    ----------
    table : mapping of str to mapping of str to mapping of str to Interval
        By the panel's title, the line's and the family.
    unit : str
        Of the axis.
    zero : bool, default True
        Whether these are differences: zero is marked, and a dot is filled where its
        interval excludes it.
    """
    titles = list(next(iter(table.values())))
    figure, axes = panels(
        len(table), height=0.9 + 0.38 * len(titles), sharey=True, squeeze=False
    )
    for ax, (title, lines) in zip(axes[0], table.items(), strict=True):
        for y, families in enumerate(lines.values()):
            for index, (family, interval) in enumerate(families.items()):
                at = y + 0.2 * (index - (len(families) - 1) / 2)
                filled = interval.excludes_zero or not zero
                colour = FAMILIES[family]
                interval_line(ax, interval, at, colour, filled=filled, size=5)
        if zero:
            ax.axvline(0, color=INK, lw=1)
        ax.set(title=title, ylim=(len(titles) - 0.4, -0.6))
        ax.set_yticks(range(len(titles)), titles)
        ax.grid(axis="y")
    figure.supxlabel(unit, fontsize=9)
    names = list(next(iter(lines.values())))
    handles = [Line2D([], [], color=FAMILIES[name], marker="o", ms=5) for name in names]
    figure.legend(handles, names, loc="outside upper right", ncols=len(names))
    return done(figure)


def overlap_over_share(rows: Sequence[Row], families: Sequence[str]) -> Figure:
    """Overlap of boxes over the share of salient pixels, in the plain networks.

    Parameters
    ----------
    rows : sequence of dict
        The record's rows.
    families : sequence of str
        A panel for each.
    """
    figure, axes = panels(len(families), height=2.9, sharey=True, squeeze=False)
    percent = [round(100 * share) for share in SHARES]
    for ax, family in zip(axes[0], families, strict=True):
        for drawn, (colour, line) in MAP_STYLES.items():
            found = [
                map_summary(rows, family, "plain", drawn, f"iou {p}") for p in percent
            ]
            mean, low, high = np.array(found).T
            ax.plot(percent, mean, color=colour, ls=line, label=drawn)
            ax.fill_between(percent, low, high, color=colour, alpha=0.15, lw=0)
        ax.set(title=family, xlabel="salient pixels (%)")
    axes[0, 0].set_ylabel("intersection over union")
    legend_below(figure, axes[0, 0])
    return done(figure)


def survivals(curves: Mapping[str, Mapping[str, Tensor]]) -> Figure:
    """Rank correlation with the original while a network is randomised from the top.

    Parameters
    ----------
    curves : mapping of str to mapping of str to Tensor
        For every map, by the layer that was randomised last, a value for each image.
    """
    figure, ax = panels(1, height=3.1)
    layers = ["none", *next(iter(curves.values()))]
    for drawn, values in curves.items():
        means = [1.0, *(float(correlation.mean()) for correlation in values.values())]
        colour, line = MAP_STYLES[drawn]
        ax.plot(
            range(len(layers)), means, "o", ls=line, ms=3, color=colour, label=drawn
        )
    ax.set_xticks(range(len(layers)), layers, rotation=30, ha="right")
    ax.axhline(0, color=INK, lw=1)
    ax.set(xlabel="layer randomised last, from the top down", ylabel="rank correlation")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return done(figure)


def transitions(titles: Mapping[str, Mapping[str, Tensor]]) -> Figure:
    """Mean probability of the class over the share of the pixels that were changed.

    Parameters
    ----------
    titles : mapping of str to mapping of str to Tensor
        For every panel, curves (N, steps + 1) by map.
    """
    figure, axes = panels(len(titles), height=2.9, sharey=True, squeeze=False)
    for ax, (title, curves) in zip(axes[0], titles.items(), strict=True):
        for drawn, curve in curves.items():
            colour, line = MAP_STYLES[drawn]
            share = np.linspace(0, 100, curve.shape[1])
            ax.plot(share, curve.mean(0).cpu(), color=colour, ls=line, label=drawn)
        ax.set(title=title, xlabel="pixels changed (%)")
    axes[0, 0].set_ylabel("probability of the class")
    legend_below(figure, axes[0, 0])
    return done(figure)


def _draw_box(ax: Axes, box: Tensor, colour: str) -> None:
    x0, y0, x1, y1 = (box - 0.5).tolist()
    frame = Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec=colour, lw=0.9)
    ax.add_patch(frame)
