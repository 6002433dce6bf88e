"""Write the pages as plain notebooks, for JupyterLab, VS Code, Colab and Binder.

What MyST adds to Markdown, these do not show: here links are resolved, captions and
references written out, and statements, questions and solutions have plain headings.
"""

from __future__ import annotations

import copy
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt
from nbformat import NotebookNode
from pybtex.backends.markdown import Backend
from pybtex.style.formatting.unsrt import Style

BOOK = Path(__file__).parent
sys.path[:0] = [str(BOOK), str(BOOK / "_ext")]

import launch  # noqa: E402
import minutes  # noqa: E402
from labels import NUMBERED, TARGET, Book, read, work  # noqa: E402
from myst import ROLE, Fence, parts  # noqa: E402

PYPROJECT = BOOK.parent / "pyproject.toml"
MARKDOWN = MarkdownIt("commonmark")
STYLE = Style()
HIDDEN = {"hide-input", "remove-cell", "remove-input"}
COLLAPSED = {"heading_collapsed": True, "jp-MarkdownHeadingCollapsed": True}
INSTALLED = re.compile(r'%pip install --quiet "(gradmask\[\w+\])"')
DOORS = re.compile(r'<div class="doors">\n((?:<a .*\n)*)</div>')
ANCHOR = re.compile(
    r'<a href="(?:(?P<page>[\w-]+)\.html|#(?P<label>[\w-]+))">(?P<said>.*?)</a>'
)
LINK = re.compile(r"\[(?P<said>[^\]]+)\]\((?P<label>[\w-]+)\)")
MOVING = re.compile(r"</?picture>\n?|<source .*>\n")
FILE = re.compile(r'(?<=src=")_static/[\w.-]+')
INSTALL = """import importlib.util

if importlib.util.find_spec("gradmask") is None:
    %pip install --quiet "{requirement}\""""
BINDER = """--extra-index-url https://download.pytorch.org/whl/cpu
gradmask[photographs]{address}
"""


def main(target: Path) -> None:
    """Write a copy of every page, and what Binder needs once there is an address."""
    book = whole_book()
    write(target, book)
    if book.address:
        binder = BINDER.format(address=book.address)
        (target / "requirements.txt").write_text(binder, "utf-8")
    print(target)


def whole_book() -> Book:
    """Read the book as it is here."""
    return read(BOOK, address(PYPROJECT))


def address(pyproject: Path) -> str:
    """Say where pip finds the library's version, if its repository is public."""
    url = launch.address(pyproject, "Repository")
    version = tomllib.loads(pyproject.read_text("utf-8"))["project"]["version"]
    return f" @ git+{url}@v{version}" if url else ""


def write(
    target: Path,
    book: Book,
    prepare: Callable[[NotebookNode], NotebookNode] = copy.deepcopy,
) -> None:
    """Write the plain copies of a book's pages, and the pictures that they show."""
    (target / "_static").mkdir(parents=True, exist_ok=True)
    for page, chapter in book.pages.items():
        notebook = plain(prepare(chapter), page, book)
        nbformat.write(notebook, target / f"{page}.ipynb")
        for cell in notebook.cells:
            for file in FILE.findall(cell.source):
                shutil.copy(BOOK / file, target / file)


def plain(chapter: NotebookNode, page: str, book: Book) -> NotebookNode:
    """Turn a page into a notebook without outputs that is plain Markdown and code."""
    notebook = copy.deepcopy(chapter)
    prose = Prose(page, book)
    notebook.cells = [part for cell in notebook.cells for part in _cells(cell, prose)]
    if page == next(iter(book.titles)):
        notebook.cells.append(_cell("contents", _contents(prose)))
    if keys := cited(chapter):
        notebook.cells.append(_cell("references", _references(keys, book)))
    return notebook


def cited(chapter: NotebookNode) -> set[str]:
    """Collect the keys of what a page cites, in its prose and in its captions."""
    figures = (cell.metadata.get("mystnb", {}).get("figure") for cell in chapter.cells)
    said = [cell.source for cell in chapter.cells if cell.cell_type == "markdown"]
    said += [figure["caption"] for figure in figures if figure]
    roles = ROLE.finditer("\n".join(said))
    targets = (role["target"] for role in roles if role["name"].startswith("cite"))
    return {key for target in targets for key in _keys(target)}


def _cells(cell: NotebookNode, prose: Prose) -> Iterator[NotebookNode]:
    if cell.cell_type == "markdown":
        if cell.source.startswith("```{solution-start}"):
            cell.metadata.update(COLLAPSED)
        cell.source = prose.text(cell.source).strip()
        if cell.source:
            yield cell
        return
    cell.outputs, cell.execution_count = [], None
    extra = INSTALLED.search(cell.source)
    if extra and prose.book.address:
        cell.source = INSTALL.format(requirement=extra[1] + prose.book.address)
    if HIDDEN & set(cell.metadata.get("tags", [])):
        cell.metadata["jupyter"] = {"source_hidden": True}
    figure = cell.metadata.pop("mystnb", {}).get("figure")
    yield cell
    if figure:
        name = prose.book.places[figure["name"]].name
        yield _cell(
            f"{cell.id}-caption", f"**{name}.** {prose.text(figure['caption'])}"
        )


def _cell(name: str, text: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(text, id=name)


@dataclass(frozen=True)
class Prose:
    """How a page of a book says things in plain Markdown."""

    page: str
    book: Book

    def text(self, source: str) -> str:
        """Turn MyST into plain Markdown.

        Raises
        ------
        KeyError
            If a label is not in the book.
        ValueError
            If a directive or a role has no plain form here.
        """
        found = (
            self._block(part) if isinstance(part, Fence) else self._inline(part)
            for part in parts(minutes.with_times(self.page, source))
        )
        return re.sub(r"\n{3,}", "\n\n", "".join(found))

    def _block(self, fence: Fence) -> str:
        match fence.name:
            case "":
                return fence.source
            case "index" | "solution-end":
                return ""
            case "solution-start":
                return "#### Solution\n"
            case "chapters":
                return self._inline(minutes.table())
            case "glossary":
                return self._inline(_terms(fence.body))
            case "exercise":
                return f"### {self._statement(fence)}\n\n{self.text(fence.body)}"
            case "dropdown":
                return self._folded(fence.title, fence.body)
            case "hint":
                return self._folded("Hint", fence.body)
            case "prf:proof":
                return f"**Proof.**\n\n{self.text(fence.body)}\n∎\n"
            case "admonition":
                heading = self._inline(fence.title)
            case "note" | "tip" | "warning":
                heading = f"{fence.name.capitalize()}."
            case name if name in NUMBERED:
                heading = f"{self._statement(fence)}."
            case name:
                raise ValueError(f"{self.page}: a directive without plain form, {name}")
        return f"**{heading}**\n\n{self.text(fence.body)}"

    def _statement(self, fence: Fence) -> str:
        number = self.book.places[fence.options["label"]].name
        return f"{number} ({self._inline(fence.title)})" if fence.title else number

    def _folded(self, title: str, body: str) -> str:
        summary = f"<summary>{MARKDOWN.renderInline(self._inline(title))}</summary>"
        return f"<details>{summary}\n\n{self.text(body)}\n</details>\n"

    def _inline(self, source: str) -> str:
        source = TARGET.sub(r"\g<line>", source)
        source = ROLE.sub(self._role, source)
        source = LINK.sub(lambda link: self.label(link["label"], link["said"]), source)
        source = DOORS.sub(lambda doors: re.sub("(?m)^<a", "- <a", doors[1]), source)
        source = ANCHOR.sub(self._anchor, source)
        return MOVING.sub("", re.sub("</?strong>", "**", source))

    def _role(self, role: re.Match[str]) -> str:
        said, target = role["said"], " ".join(role["target"].split())
        match role["name"]:
            case "doc":
                return self.link(target, said)
            case "numref" | "prf:ref" | "ref":
                return self.label(target, said)
            case "cite":
                works = (", ".join(work(key, self.book)) for key in _keys(target))
                return f"[{'; '.join(works)}]"
            case "cite:t":
                authors, year = work(target, self.book)
                return f"{authors} [{year}]"
            case "class" | "func" | "meth" | "py:meth":
                name = target.rpartition(".")[2] if target[0] == "~" else target
                return f"`{name}`"
            case name:
                raise ValueError(f"{self.page}: a role without plain form, {name}")

    def _anchor(self, anchor: re.Match[str]) -> str:
        if anchor["label"]:
            return self.label(anchor["label"], anchor["said"])
        return self.link(anchor["page"], anchor["said"])

    def label(self, label: str, said: str | None = None) -> str:
        """Name what a label stands for, with a link to its page or to its heading."""
        place = self.book.places[label]
        if place.page != self.page:
            return self.link(place.page, said or place.name)
        return f"[{said}](#{place.name.replace(' ', '-')})" if said else place.name

    def link(self, page: str, said: str | None = None) -> str:
        """Name a page, with a link if it has a copy."""
        said = said or self.book.titles[page]
        return f"[{said}]({page}.ipynb)" if page in self.book.pages else said


def _contents(prose: Prose) -> str:
    links = (f"- {prose.link(page)}" for page in prose.book.pages)
    return "\n".join(["## Contents\n", *links])


def _references(keys: Iterable[str], book: Book) -> str:
    order = sorted(keys, key=lambda key: work(key, book))
    entries = STYLE.format_entries([book.literature[key] for key in order])
    items = (entry.text.render(Backend()).replace("\n", " ") for entry in entries)
    return "\n".join(["## References\n", *(f"- {item}" for item in items)])


def _keys(target: str) -> list[str]:
    return [key.strip() for key in target.split(",")]


def _terms(glossary: str) -> str:
    entries = (entry.split("\n", 1) for entry in glossary.strip().split("\n\n"))
    return "".join(
        f"- **{term}**: {' '.join(said.split())}\n" for term, said in entries
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else BOOK / "_build/notebooks")
