"""The book's notebooks, as the tests read them."""

import json
from pathlib import Path

BOOK = Path(__file__).parents[2] / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if path.stem not in {"welcome", "summary"}]


def cells(path):
    return json.loads(path.read_text("utf-8"))["cells"]


def markdown(path):
    """Join what a notebook says, without its code."""
    said = ("".join(c["source"]) for c in cells(path) if c["cell_type"] != "code")
    return "\n\n".join(said)
