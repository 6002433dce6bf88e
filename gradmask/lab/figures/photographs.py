"""Photographs, and where in them a network finds what it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from gradmask.lab.figures.style import (
    COLOURS,
    INK,
    WIDTH,
    Style,
    done,
    show_map,
    subplots,
)

__all__ = ["TITLES", "Seen", "looks", "overlaid", "scores"]

TITLES = {
    "lateral": "lateral saliency",
    "gradient": "gradient",
    "integrated": "integrated gradients",
    "grad-cam": "Grad-CAM",
    "grad-cam++": "Grad-CAM++",
}
"""What maps are called in pictures."""

_MARKS = [
    Style(COLOURS[name], marker=marker)
    for name, marker in zip(
        ("mask", "object", "top-k", "other", "random"), "os^Dv", strict=True
    )
]
BRIGHTEST = 99.5
HEIGHT = 3.3


class Seen(Protocol):
    """A photograph, what a network says of it, and why.

    Attributes
    ----------
    image : array, shape (3, H, W)
        In [0, 1].
    answers : sequence of (str, float)
        The most probable classes and their probabilities.
    maps : mapping of str to array, shape (H, W)
        By name.
    """

    @property
    def image(self) -> ArrayLike: ...  # noqa: D102
    @property
    def answers(self) -> Sequence[tuple[str, float]]: ...  # noqa: D102
    @property
    def maps(self) -> Mapping[str, ArrayLike]: ...  # noqa: D102


def looks(photographs: Sequence[Seen]) -> Figure:
    """Photographs, each with its five maps and the classes that are most probable.

    Parameters
    ----------
    photographs : sequence of Seen
        Each with five maps.
    """
    figure = Figure(
        figsize=(WIDTH + 1, HEIGHT * len(photographs)), layout="constrained"
    )
    rows = figure.subfigures(len(photographs), squeeze=False)[:, 0]
    for row, seen in zip(rows, photographs, strict=True):
        grid = row.add_gridspec(2, 5)
        colours = np.asarray(seen.image).transpose(1, 2, 0)
        show_map(row.add_subplot(grid[:, :2]), colours, "what the network sees")
        cells = [(line, column) for line in range(2) for column in range(2, 5)]
        for (line, column), (name, field) in zip(
            cells[:-1], seen.maps.items(), strict=True
        ):
            picture = overlaid(seen.image, field)
            show_map(row.add_subplot(grid[line, column]), picture, TITLES[name])
        _bars(row.add_subplot(grid[1, 4]), seen.answers)
    return done(figure)


def overlaid(image: ArrayLike, field: ArrayLike) -> NDArray[np.floating]:
    """Lay a map over its photograph, which is grey and dim where nothing is salient.

    Parameters
    ----------
    image : array, shape (3, H, W)
        In [0, 1].
    field : array, shape (H, W)
        Not negative.  The brightest 0.5 % of the pixels are drawn alike, so that a few
        of them do not put out all others.

    Returns
    -------
    array, shape (H, W, 3)
        Colours in [0, 1].
    """
    values = np.asarray(field, dtype=float)
    brightest = np.percentile(values, BRIGHTEST) or values.max() or 1.0
    share = np.clip(values / brightest, 0, 1)
    grey = 0.6 * np.asarray(image, dtype=float).mean(0)
    colours = mpl.colormaps["magma"](0.3 + 0.7 * share)[..., :3]
    weight = share[..., None]
    mixed: NDArray[np.floating] = (1 - weight) * grey[..., None] + weight * colours
    return mixed


def scores(
    panels: Mapping[str, Mapping[str, Mapping[str, float]]], unit: str
) -> Figure:
    """Measures of maps, a dot for every photograph and a line at their mean.

    Parameters
    ----------
    panels : mapping of str to mapping of str to mapping of str to float
        By the panel's title, by the map and by the photograph.
    unit : str
        Of the values.
    """
    names = list(next(iter(panels.values())))
    figure, axes = subplots(
        len(panels), height=0.8 + 0.34 * len(names), sharey=True, squeeze=False
    )
    for ax, (title, maps) in zip(axes[0], panels.items(), strict=True):
        for line, values in enumerate(maps.values()):
            for (name, value), style in zip(values.items(), _MARKS, strict=False):
                look = {"color": style.colour, "mec": "white", "mew": 0.6}
                ax.plot(value, line, style.marker, ms=7, label=name, **look)
            mean = sum(values.values()) / len(values)
            ax.plot([mean] * 2, [line - 0.36, line + 0.36], color=INK, lw=1.4)
        ax.set(title=title, xlabel=unit, ylim=(len(names) - 0.5, -0.5))
        ax.set_yticks(range(len(names)), [TITLES.get(name, name) for name in names])
    lines = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=len(lines))
    return done(figure)


def _bars(ax: Axes, answers: Sequence[tuple[str, float]]) -> None:
    """Classes and their probabilities, the names above their bars."""
    for line, (name, probability) in enumerate(answers):
        ax.barh(line, probability, height=0.32, color=COLOURS["mask"])
        text = f"{name} {probability:.1%}"
        ax.text(0, line - 0.26, text, fontsize=7.5, va="bottom", clip_on=False)
    ax.set(xlim=(0, 1), ylim=(len(answers) - 0.5, -0.9), xticks=[], yticks=[])
    ax.spines[:].set(visible=False)
    ax.set_title("most probable")
    ax.grid(False)
