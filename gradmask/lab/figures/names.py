"""Names of lines, written where the lines end."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D
from matplotlib.typing import ColorType

__all__ = ["apart", "colour_of", "name_ends", "readable"]

SIZE = 8.5
"""Of a name, in points."""

CONTRAST = 4.5
"""Of a text to white that everybody can read: WCAG 2.2, success criterion 1.4.3."""


def name_ends(ax: Axes) -> None:
    """Write the names of the lines of axes at their right ends, in their colours.

    In place of a legend, once all limits are set.  Names that would overlap are moved
    apart.
    """
    ax.autoscale_view()
    artists, names = ax.get_legend_handles_labels()
    ends = [_end(ax, _line(artist)) for artist in artists]
    heights = apart([y for _, y in ends], 1.35 * SIZE / _points_high(ax))
    for artist, name, (x, _), y in zip(artists, names, ends, heights, strict=True):
        ax.annotate(
            name,
            (x, y),
            (6, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            fontsize=SIZE,
            color=readable(colour_of(artist)),
            annotation_clip=False,
        )


def colour_of(artist: Artist | ErrorbarContainer) -> ColorType:
    """Colour of a line, with error bars or without."""
    return _line(artist).get_color()


def apart(places: Sequence[float], gap: float) -> list[float]:
    """Move places as little as possible (least squares), so that none are too near.

    Neighbours that would be too near are moved together, about their mean.

    Parameters
    ----------
    places : sequence of float
        In any order, which they keep.
    gap : float
        How far apart neighbours are at least.
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    groups: list[list[float]] = []
    for step, index in enumerate(order):
        groups.append([places[index] - step * gap])
        while len(groups) > 1 and fmean(groups[-2]) > fmean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    means = [fmean(group) for group in groups for _ in group]
    moved = {index: means[step] + step * gap for step, index in enumerate(order)}
    return [moved[index] for index in range(len(places))]


def readable(colour: ColorType) -> str:
    """Darken a colour until a text in it has enough contrast to a white ground."""
    rgb = to_rgb(colour)
    if 1.05 / (_luminance(rgb) + 0.05) >= CONTRAST:
        return to_hex(rgb)
    red, green, blue = (0.95 * part for part in rgb)
    return readable((red, green, blue))


def _luminance(colour: tuple[float, float, float]) -> float:
    """Relative luminance of sRGB, as WCAG 2.2 defines it."""
    rgb = np.array(colour)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _line(artist: Artist | ErrorbarContainer) -> Line2D:
    line = artist.lines[0] if isinstance(artist, ErrorbarContainer) else artist
    assert isinstance(line, Line2D)
    return line


def _end(ax: Axes, line: Line2D) -> tuple[float, float]:
    """Rightmost point of a line, as shares of the axes."""
    shown = line.get_transform().transform(line.get_xydata())
    ends = ax.transAxes.inverted().transform(shown)
    x, y = ends[ends[:, 0].argmax()]
    return float(x), float(y)


def _points_high(ax: Axes) -> float:
    return 72 * ax.bbox.height / ax.figure.dpi
