"""Pictures that networks see: scenes with their objects, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import ArrayLike

from gradmask.lab.figures.style import (
    COLOURS,
    GUIDES,
    done,
    frame,
    legend_below,
    outline,
    show_map,
    subplots,
)

__all__ = ["circled", "gallery", "guides", "mixtures", "sheet"]

_GREY: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1}


def sheet(
    images: ArrayLike, titles: Sequence[str], outlines: ArrayLike, boxes: ArrayLike
) -> Figure:
    """Scenes, each with its object outlined and boxed.

    Parameters
    ----------
    images : array, shape (N, S, S)
        In [0, 1].
    titles : sequence of str
        Of each.
    outlines : array of bool, shape (N, S, S)
        True on the objects.
    boxes : array, shape (N, 4)
        Of the objects: x0, y0, x1, y1 in pixels.
    """
    figure, axes = subplots(len(titles), height=1.5)
    parts = (axes, *map(np.asarray, (images, outlines, boxes)), titles)
    for ax, image, mask, box, title in zip(*parts, strict=True):
        show_map(ax, image, title, cmap="gray", vmin=0, vmax=1)
        outline(ax, mask, width=0.9)
        frame(ax, box, COLOURS["mask"])
    return done(figure)


def gallery(
    images: ArrayLike,
    titles: Sequence[str],
    boxes: ArrayLike,
    maps: Mapping[str, ArrayLike],
) -> Figure:
    """Scenes in rows, each with its maps, and with the object's box in all.

    Parameters
    ----------
    images : array, shape (N, S, S)
        In [0, 1].
    titles : sequence of str
        Of each row.
    boxes : array, shape (N, 4)
        Of the objects: x0, y0, x1, y1 in pixels.
    maps : mapping of str to array, shape (N, S, S)
        By the title of their column.
    """
    columns = {"scene": np.asarray(images)} | {
        title: np.asarray(fields) for title, fields in maps.items()
    }
    height = 0.3 + 1.12 * len(titles)
    figure, axes = subplots(len(columns), len(titles), height=height, squeeze=False)
    for line, (row, name, box) in enumerate(
        zip(axes, titles, np.asarray(boxes), strict=True)
    ):
        for ax, (title, fields) in zip(row, columns.items(), strict=True):
            is_scene = title == "scene"
            look = _GREY if is_scene else {}
            show_map(ax, fields[line], "" if line else title, **look)
            frame(ax, box, COLOURS["mask"] if is_scene else "white")
        row[0].set_ylabel(name)
    return done(figure)


def mixtures(
    batches: Mapping[str, tuple[ArrayLike, ArrayLike]],
    names: Sequence[str],
    count: int = 5,
) -> Figure:
    """First images of a batch, a row for every augmentation, with their targets.

    Parameters
    ----------
    batches : mapping of str to (images, targets)
        Images (B, S, S) and targets (B, classes), by the augmentation's name.
    names : sequence of str
        Of the classes.
    count : int, default 5
        How many images.
    """
    figure, axes = subplots(count, len(batches), 1.78 * len(batches), squeeze=False)
    for row, (name, batch) in zip(axes, batches.items(), strict=True):
        images, targets = map(np.asarray, batch)
        for ax, image, target in zip(row, images, targets, strict=False):
            show_map(ax, image, _shares(target, names), cmap="gray", vmin=0, vmax=1)
        row[0].set_ylabel(name)
    return done(figure)


def guides(
    images: ArrayLike,
    titles: Sequence[str],
    outlines: ArrayLike,
    centres: Mapping[str, ArrayLike],
) -> Figure:
    """Scenes, their objects outlined, and the pixel that every guide points to.

    Parameters
    ----------
    images : array, shape (N, S, S)
        In [0, 1].
    titles : sequence of str
        Of each.
    outlines : array of bool, shape (N, S, S)
        True on the objects.
    centres : mapping of str to array, shape (N, 2)
        Pixels (x, y) by the guide's name.
    """
    figure, axes = subplots(len(titles), height=2.0)
    parts = (axes, *map(np.asarray, (images, outlines)), titles)
    for index, (ax, image, mask, title) in enumerate(zip(*parts, strict=True)):
        show_map(ax, image, title, cmap="gray", vmin=0, vmax=1)
        outline(ax, mask, colour=COLOURS["object"], width=1.1)
        for name, pixels in centres.items():
            look = {"mfc": GUIDES[name].colour, "mec": "white", "clip_on": False}
            x, y = np.asarray(pixels)[index]
            ax.plot(x, y, GUIDES[name].marker, ms=8, label=name, **look)
    legend_below(figure, axes[0])
    return done(figure)


def circled(images: Mapping[str, ArrayLike], radius: float) -> Figure:
    """Scenes side by side, each with a circle about its middle.

    Parameters
    ----------
    images : mapping of str to array, shape (H, W)
        Scenes by their titles.
    radius : float
        Of the circle, in pixels.
    """
    figure, axes = subplots(len(images), height=2.1)
    for ax, (title, image) in zip(axes, images.items(), strict=True):
        show_map(ax, image, title, cmap="gray", vmin=0, vmax=0.6)
        middle = (np.shape(image)[-1] - 1) / 2
        circle = Circle((middle, middle), radius, fill=False, color=COLOURS["mask"])
        ax.add_patch(circle)
    return done(figure)


def _shares(target: np.ndarray, names: Sequence[str]) -> str:
    """The classes of a soft target that matter, one a line: ``"Bag 62 %"``."""
    largest = np.argsort(-target, kind="stable")[:2]
    lines = [
        f"{names[i]} {100 * target[i]:.0f} %" for i in largest if target[i] >= 0.005
    ]
    return "\n".join([" ", *lines][-2:])
