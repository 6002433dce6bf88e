"""What a page may do with a picture: cut it on a telephone, turn it round in the dark.

A picture is as wide as a page; on a telephone its labels would shrink below what can be
read.  Its panels are cut out of it there, at a size of which the labels can be read,
with the names of rows that only the first panel carries.  In the dark the colours of
lines and dots are turned round, black for white; not those of maps, where dark and
bright have a meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
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
    says = {PIECES: pieces(figure), LINES: of_lines(figure)}
    texts = {key: json.dumps(value) for key, value in says.items()}
    figure.savefig(file, format="png", dpi=dpi, bbox_inches=around, metadata=texts)
    figure.dpi = page
    size = {"width": round(around.width * page), "height": round(around.height * page)}
    return file.getvalue(), size


def pieces(figure: Figure) -> list[list[Piece]]:
    """Cut a figure between its columns of panels.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.

    Returns
    -------
    list of list of Piece
        What belongs side by side, in the order in which it is read: every entry of a
        legend and every other text above the panels, every column of panels, behind
        the names of the rows where only the first column carries them, and what stands
        below.  The whole picture where there is one column.
    """
    around = _around(figure)
    whole = Bbox(around.get_points() * figure.dpi)
    columns = list(_columns(figure))
    if len(columns) < 2:
        return [[_piece(whole, whole)]]
    body = Bbox.union([box for column in columns for box in map(_extent, column)])
    edges = [whole.x0, *_middles(columns), whole.x1]
    cut = [
        Bbox.from_extents(left, body.y0 - GAP, right, body.y1 + GAP)
        for left, right in pairwise(edges)
    ]
    start = _frame(columns[0]).x0 - GAP
    names = Bbox.from_extents(whole.x0, cut[0].y0, start, cut[0].y1)
    named = _labels(columns[0]) > LABELLED
    rows = [
        [names, box] if number and named and _labels(column) < LABELLED else [box]
        for number, (column, box) in enumerate(zip(columns, cut, strict=True))
    ]
    loose = [[box] for box in _loose(figure)]
    above = [row for row in loose if row[0].y0 > body.y1 - GAP]
    below = [row for row in loose if row[0].y1 < body.y0 + GAP]
    return [[_piece(box, whole) for box in row] for row in [*above, *rows, *below]]


def of_lines(figure: Figure) -> bool:
    """Whether a figure holds no map, whose brightness has a meaning."""
    maps = ContourSet, QuadMesh
    return not any(
        ax.images or any(isinstance(drawn, maps) for drawn in ax.collections)
        for ax in figure.axes
    )


def _around(figure: Figure) -> Bbox:
    """What is drawn, in inches."""
    figure.draw_without_rendering()
    return figure.get_tightbbox().padded(PADDING)


def _columns(figure: Figure) -> Iterator[list[Axes]]:
    """Gather axes of which one is above the other; scales of colours follow theirs."""
    axes = [ax for ax in figure.axes if ax.get_visible()]
    column: list[Axes] = []
    for ax in sorted(axes, key=lambda ax: _extent(ax).x0):
        ends = max((_extent(other).x1 for other in column), default=-1.0)
        apart = _extent(ax).x0 > ends - GAP
        if column and apart and not hasattr(ax, "_colorbar"):
            yield column
            column = []
        column.append(ax)
    if column:
        yield column


def _middles(columns: list[list[Axes]]) -> Iterator[float]:
    for left, right in pairwise(columns):
        ends = max(_extent(ax).x1 for ax in left)
        yield (ends + min(_extent(ax).x0 for ax in right)) / 2


def _extent(ax: Axes) -> Bbox:
    box = ax.get_tightbbox()
    return _frame([ax]) if box is None else box


def _frame(column: Iterable[Axes]) -> Bbox:
    return Bbox.union([ax.get_window_extent() for ax in column])


def _labels(column: list[Axes]) -> float:
    """How much room the names to the left of a column take."""
    boxes = [ax.yaxis.get_tightbbox() for ax in column]
    left = [box.x0 for box in boxes if box is not None]
    return float(_frame(column).x0 - min(left, default=np.inf))


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
