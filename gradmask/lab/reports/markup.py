"""Tables as HTML: on a telephone, each row of a wide one becomes a card."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape

from IPython.display import HTML

__all__ = ["markup", "table"]

CHARACTERS = 70


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> HTML:
    """A table of text.

    Parameters
    ----------
    header : sequence of str
        Titles of the columns.
    body : sequence of sequence of str
        The rows, each of as many cells.

    Raises
    ------
    ValueError
        If a row has another number of cells.
    """
    if any(len(cells) != len(header) for cells in body):
        raise ValueError(f"every row must have {len(header)} cells, as the header has")
    return markup(
        [escape(title) for title in header],
        [[escape(cell) for cell in cells] for cells in body],
    )


def markup(header: Sequence[str], body: Sequence[Sequence[str]]) -> HTML:
    """A table whose cells are HTML already; a title is free of tags.

    A wide one has its titles at every cell, too, and names the role of each part: the
    book's style makes cards of its rows where the window is narrow, and to a screen
    reader a card is no row unless it says so.

    Parameters
    ----------
    header : sequence of str
        Titles of the columns.
    body : sequence of sequence of str
        The rows, each of as many cells.
    """
    wide = _is_wide(header, body)
    kind = ' class="table cards"' if wide else ' class="table"'

    def tag(name: str, role: str, inside: str, attributes: str = "") -> str:
        role = f' role="{role}"' if wide else ""
        return f"<{name}{role}{attributes}>{inside}</{name}>"

    def row(cells: Sequence[str]) -> str:
        return tag("tr", "row", "".join(cells))

    titles = [tag("th", "columnheader", t, ' scope="col"') for t in header]
    lines = [
        row(
            [
                tag("td", "cell", cell, f' data-label="{title}"' if wide else "")
                for title, cell in zip(header, cells, strict=True)
            ]
        )
        for cells in body
    ]
    head = tag("thead", "rowgroup", row(titles))
    rest = tag("tbody", "rowgroup", "".join(lines))
    return HTML(tag("table", "table", head + rest, kind))


def _is_wide(header: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a telephone would break most cells into pieces."""
    columns = zip(*body, strict=True)
    widths = (max(len(_text(cell)) for cell in column) for column in columns)
    return len(header) > 3 and sum(widths) > CHARACTERS


def _text(cell: str) -> str:
    return unescape(re.sub("<[^>]+>", "", cell))
