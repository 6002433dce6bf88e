"""The book's English is British throughout, and says nothing twice in a row."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
PAGES = sorted([*BOOK.glob("*.ipynb"), *BOOK.glob("*.md"), *ROOT.glob("*.md")])
AMERICAN = re.compile(
    r"\b(behavior|cent(er|ered|ers)\b|color|favor(?!\b.*licen)|flavor|gray|honor|labeled|"
    r"labeling|modeling|neighbor|toward\b|[a-z]{3,}(?<!s)iz(e|ed|es|ing|ation)\b|analyz)",
    re.IGNORECASE,
)
SAME_IN_BRITISH = {
    "size",
    "sized",
    "sizes",
    "sizing",
    "prize",
    "seize",
    "resize",
    "resized",
}
NOT_PROSE = re.compile(
    r"```(?!\{exercise|\{prf|\{admon|\{tip|\{warn|\{hint|\{note).*?\n```"
    r"|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|<[^>]*>|\]\([^)]*\)|\{[a-z:]+\}",
    re.DOTALL,
)


def prose(path):
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return NOT_PROSE.sub(" … ", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_spelling_is_british(path):
    found = {match.group().lower() for match in AMERICAN.finditer(prose(path))}
    assert found <= SAME_IN_BRITISH


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_word_stands_twice(path):
    twice = re.compile(r"\b([a-z]{2,})[ \n]+\1\b", re.IGNORECASE)
    found = {match.group(1).lower() for match in twice.finditer(prose(path))}
    assert found <= {"had", "that"}
