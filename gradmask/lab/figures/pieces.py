"""What a page may do with a picture: cut it on a telephone, turn it round in the dark.

A picture is as wide as a page; on a telephone its labels would shrink below what can be
read.  Its panels are cut out of it there, at a size of which the labels can be read,
with the names of rows that only the first panel carries.  In the dark the colours of
lines and dots are turned round, black for white; not those of maps, where dark and
bright have a meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any, NamedTuple

from matplotlib.collections import QuadMesh
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.transforms import Bbox

__all__ = ["LINES", "PIECES", "Piece", "of_lines", "pieces", "printed"]

PIECES, LINES = "Pieces", "Lines"
"""What a PNG's texts call where it may be cut, and whether it is of lines alone."""

PADDING = 0.1  # inches around a picture, as Matplotlib's own
GAP = 6.0
LABELLED = 24.0


class Piece(NamedTuple):
    """A rectangle of a picture, in its pixels, from its upper left corner."""

    left: int
    top: int
    width: int
    height: int


def printed(figure: Figure) -> tuple[bytes, dict[str, Any]]:
    """Save a figure as a PNG of twice a page's resolution that says what it may bear.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.

    Returns
    -------
    bytes
        The PNG.
    dict
        Its width and height in pixels of a page, as a notebook's output says them.
    """
    page = figure.dpi
    figure.dpi = dpi = 2 * page
    file, around = BytesIO(), _around(figure)
    figure.set_layout_engine("none")  # nothing moves any more,
    for legend in figure.legends:  # nor goes with the edges of what is saved
        legend.set_bbox_to_anchor((0, 0, 1, 1), figure.transFigure)
    says = {PIECES: pieces(figure, around), LINES: of_lines(figure)}
    texts = {key: json.dumps(value) for key, value in says.items()}
    figure.savefig(file, format="png", dpi=dpi, bbox_inches=around, metadata=texts)
    figure.dpi = page
    size = {"width": round(around.width * page), "height": round(around.height * page)}
    return file.getvalue(), size


def of_lines(figure: Figure) -> bool:
    """Whether a figure holds no map, whose brightness has a meaning."""
    maps = ContourSet, QuadMesh
    return not any(
        ax.images or any(isinstance(drawn, maps) for drawn in ax.collections)
        for ax in figure.axes
    )


def pieces(figure: Figure, around: Bbox) -> list[list[Piece]]:
    """Cut a picture between its columns of panels.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure, as it was drawn last.
    around : matplotlib.transforms.Bbox
        What of it is saved, in inches.

    Returns
    -------
    list of list of Piece
        What belongs side by side, in the order in which it is read: every entry of a
        legend and every other text above the panels, every column of panels, behind
        the names of the rows where only the first column carries them, and what stands
        below.  The whole picture where there is one column.
    """
    whole = Bbox(around.get_points() * figure.dpi)
    columns = list(_columns(figure))
    if len(columns) < 2:
        return [[_piece(whole, whole)]]
    low = min(column.box.y0 for column in columns) - GAP
    high = max(column.box.y1 for column in columns) + GAP
    middles = [(one.box.x1 + two.box.x0) / 2 for one, two in pairwise(columns)]
    cut = [
        Bbox.from_extents(left, low, right, high)
        for left, right in pairwise([whole.x0, *middles, whole.x1])
    ]
    first = columns[0]
    names = Bbox.from_extents(whole.x0, low, first.frame - GAP, high)
    rows = [[cut[0]]] + [
        [names, box] if first.labels > LABELLED > column.labels else [box]
        for column, box in zip(columns[1:], cut[1:], strict=True)
    ]
    loose = [[box] for box in _loose(figure)]
    above = [row for row in loose if row[0].y0 > high - 2 * GAP]
    below = [row for row in loose if row[0].y1 < low + 2 * GAP]
    return [[_piece(box, whole) for box in row] for row in [*above, *rows, *below]]


def _around(figure: Figure) -> Bbox:
    """What is drawn, in inches."""
    figure.draw_without_rendering()
    return figure.get_tightbbox().padded(PADDING)


class _Column(NamedTuple):
    """Axes of which one is above the other: all of them, and where the first begins."""

    box: Bbox
    frame: float
    names: float

    @property
    def labels(self) -> float:
        """How much room the names to the left take."""
        return self.frame - self.names


def _columns(figure: Figure) -> Iterator[_Column]:
    """Gather axes from left to right; a scale of colours goes with what it explains."""
    axes = {ax: ax.get_tightbbox() for ax in figure.axes if ax.get_visible()}
    there = [(ax, box) for ax, box in axes.items() if box is not None]
    column: _Column | None = None
    for ax, box in sorted(there, key=lambda one: one[1].x0):
        named, frame = ax.yaxis.get_tightbbox(), ax.get_window_extent().x0
        own = _Column(box, frame, frame if named is None else named.x0)
        if column is None:
            column = own
        elif box.x0 > column.box.x1 - GAP and not hasattr(ax, "_colorbar"):
            yield column
            column = own
        else:
            both = zip(column[1:], own[1:], strict=True)
            column = _Column(Bbox.union([column.box, box]), *map(min, both))
    if column is not None:
        yield column


def _loose(figure: Figure) -> Iterator[Bbox]:
    """Yield the boxes of entries of legends and of texts that belong to no axes."""
    for legend in figure.legends:
        yield from _entries(legend)
    for text in figure.texts:
        yield text.get_window_extent().padded(GAP)


def _entries(legend: Legend) -> Iterator[Bbox]:
    size = legend.prop.get_size_in_points() * legend.figure.dpi / 72
    handle = (legend.handlelength + legend.handletextpad) * size
    for text in legend.get_texts():
        box = text.get_window_extent()
        yield Bbox.from_extents(box.x0 - handle, box.y0, box.x1, box.y1).padded(GAP)


def _piece(box: Bbox, whole: Bbox) -> Piece:
    left, top = round(box.x0 - whole.x0), round(whole.y1 - box.y1)
    return Piece(left, top, round(box.width), round(box.height))
