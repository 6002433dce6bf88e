"""Pictures on a telephone, and in the dark, as far as they say what they may bear.

Where a PNG says which pieces it may be cut into, they follow it on the page, hidden
where there is room for the whole; one that is of lines alone says so in its class
(figures.css).
"""

import json
from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx

PIECES, LINES = "Pieces", "Lines"  # as gradmask.lab.figures.pieces writes them
SHOWN = 340  # pixels that a telephone has for a picture
LARGEST = 0.5  # pixels of a page for one of a picture, which has twice as many
SMALLEST = 0.35  # letters of nine pixels


def cut(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Let pieces follow every picture that has them."""
    if app.builder.name != "html":
        return
    for image in doctree.findall(nodes.image):
        path = Path(app.srcdir, image.get("candidates", {}).get("*", ""))
        if path.suffix != ".png" or not path.is_file():
            continue
        with Image.open(path) as picture:
            says, width = picture.info, picture.width
        if PIECES in says:
            _, name = app.env.images[str(image["uri"])]
            url = f"{app.builder.imagedir}/{name}"
            shown = html(json.loads(says[PIECES]), width, url)
            image.append(nodes.raw("", shown, format="html"))
            if json.loads(says[LINES]):
                image["classes"].append("lines")


def html(rows: list[list[list[int]]], width: float, url: str) -> str:
    """Write what is shown of a picture as wide as `width`, piece by piece."""
    scale = chosen(max(sum(piece[2] for piece in row) for row in rows))
    cut = "".join(
        f"<span>{''.join(one(piece, scale) for piece in row)}</span>" for row in rows
    )
    style = f"background-image: url({url}); --wide: {scale * width:.1f}px"
    return f'<span class="pieces" aria-hidden="true" style="{style}">{cut}</span>'


def chosen(widest: float) -> float:
    """Choose a scale at which as many of the widest as can be read fill a line."""
    side_by_side = max(1, SHOWN // (SMALLEST * widest))
    return max(SMALLEST, min(LARGEST, SHOWN / (side_by_side * widest)))


def one(piece: list[int], scale: float) -> str:
    """Write one piece, at a scale."""
    left, top, width, height = (scale * length for length in piece)
    style = (
        f"width: {width:.1f}px; height: {height:.1f}px; "
        f"background-position: -{left:.1f}px -{top:.1f}px"
    )
    return f'<i style="{style}"></i>'


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-resolved", cut)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
