"""What the labels of the book stand for: pages, numbers, headings and literature."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import yaml
from myst import directives
from nbformat import NotebookNode
from pybtex.database import Entry, parse_file

NUMBERED = {
    "exercise": "Exercise",
    "prf:corollary": "Corollary",
    "prf:definition": "Definition",
    "prf:lemma": "Lemma",
    "prf:proposition": "Proposition",
    "prf:theorem": "Theorem",
}
TARGET = re.compile(r"(?m)^\((?P<label>[\w-]+)\)=\n+(?P<line>#+ (?P<heading>.*))$")
BY_SPHINX = {"api", "bibliography", "genindex"}


@dataclass(frozen=True)
class Place:
    """Where a label is, and what it names: "Fig. 4.2", or a heading."""

    page: str
    name: str


@dataclass(frozen=True)
class Book:
    """The pages of a book in their order, and what their labels stand for.

    Attributes
    ----------
    pages : dict of str to NotebookNode
        The pages that have a copy; a page in Markdown is a notebook of one cell.
    titles : dict of str to str
        The titles of all pages.
    places : dict of str to Place
        What the labels stand for.
    literature : dict of str to Entry
        What can be cited.
    address : str, default ""
        Where pip finds the library; empty as long as it has no public address.
    """

    pages: dict[str, NotebookNode]
    titles: dict[str, str]
    places: dict[str, Place]
    literature: dict[str, Entry] = field(default_factory=dict)
    address: str = ""


def read(folder: Path, address: str = "") -> Book:
    """Read all pages that the table of contents in a folder lists."""
    contents = yaml.safe_load((folder / "_toc.yml").read_text("utf-8"))
    numbers = chapter_numbers(contents)
    pages = {page: _page(folder / page) for page in numbers}
    return Book(
        {name: page for name, page in pages.items() if name not in BY_SPHINX},
        {name: title(page) for name, page in pages.items()},
        {
            label: Place(name, found)
            for name, page in pages.items()
            for label, found in labels(page.cells, numbers[name])
        },
        dict(parse_file(folder / "references.bib").entries),
        address,
    )


def chapter_numbers(contents: dict) -> dict[str, int | None]:
    """Number the chapters of the parts that are numbered, throughout the book.

    Examples
    --------
    >>> one = {"numbered": True, "chapters": [{"file": "a"}, {"file": "b"}]}
    >>> two, last = one | {"chapters": [{"file": "c"}]}, {"chapters": [{"file": "d"}]}
    >>> chapter_numbers({"root": "r", "parts": [one, two, last]})
    {'r': None, 'a': 1, 'b': 2, 'c': 3, 'd': None}
    """
    numbers: dict[str, int | None] = {contents["root"]: None}
    count = 0
    for part in contents["parts"]:
        for chapter in part["chapters"]:
            count += part.get("numbered", False)
            numbers[chapter["file"]] = count if part.get("numbered") else None
    return numbers


def labels(
    cells: Iterable[NotebookNode], chapter: int | None
) -> Iterator[tuple[str, str]]:
    """Yield the labels of a page, each with the name that a reader sees for it."""
    counts: Counter[str] = Counter()

    def numbered(kind: str) -> str:
        counts[kind] += 1
        return (
            f"{kind} {chapter}.{counts[kind]}" if chapter else f"{kind} {counts[kind]}"
        )

    for cell in cells:
        if cell.cell_type == "code":
            if figure := cell.metadata.get("mystnb", {}).get("figure"):
                yield figure["name"], numbered("Fig.")
            continue
        for target in TARGET.finditer(cell.source):
            yield target["label"], target["heading"]
        for directive in directives(cell.source):
            if kind := NUMBERED.get(directive.name):
                yield directive.options["label"], numbered(kind)


def title(page: NotebookNode) -> str:
    """Return the first heading of a page."""
    prose = (cell.source for cell in page.cells if cell.cell_type == "markdown")
    return next(s.partition("\n")[0][2:] for s in prose if s.startswith("# "))


def work(key: str, book: Book) -> tuple[str, str]:
    """Name a work by its authors and its year."""
    entry = book.literature[key]
    names = [" ".join(person.last_names) for person in entry.persons["author"]]
    authors = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return authors, entry.fields["year"]


def _page(path: Path) -> NotebookNode:
    if (notebook := path.with_suffix(".ipynb")).exists():
        return nbformat.read(notebook, as_version=4)
    text = path.with_suffix(".md").read_text("utf-8")
    cell = nbformat.v4.new_markdown_cell(text, id=path.name)
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": spec})
