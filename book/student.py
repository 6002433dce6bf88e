"""Make notebooks for a course from the chapters: one set without solutions, one with.

Both are plain copies.  In the student's, a solution's code gives way to a cell that
raises NotImplementedError until something is written in its place; the asserts at the
end of the solution stay, and say whether the answer is right.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from symtable import symtable

import nbformat
from nbformat import NotebookNode

BOOK = Path(__file__).parent
sys.path.insert(0, str(BOOK))

import plain  # noqa: E402

FOR_TEACHERS = {"teachers"}


def main(target: Path) -> None:
    """Write the notebooks of every chapter into ``student`` and ``instructor``."""
    book = plain.whole_book()
    pages = {
        name: page for name, page in book.pages.items() if name not in FOR_TEACHERS
    }
    plain.write(target / "student", replace(book, pages=pages), unsolved)
    plain.write(target / "instructor", book)
    print(f"{target}/student, {target}/instructor")


def unsolved(chapter: NotebookNode) -> NotebookNode:
    """Leave out the solutions of a chapter, but for room to write and their checks."""
    notebook = copy.deepcopy(chapter)
    notebook.cells = list(_cells(notebook.cells))
    return notebook


def _cells(cells: list[NotebookNode]) -> Iterator[NotebookNode]:
    inside = False
    for cell in cells:
        if cell.source.startswith("```{solution-start}"):
            inside = True
            if not _code_follows(cells, cell):
                text = "*Your answer, in words:*"
                yield nbformat.v4.new_markdown_cell(text, id=cell.id)
        elif cell.source.startswith("```{solution-end}"):
            inside = False
        elif cell.cell_type == "code":
            if inside:
                cell.source = stub(cell.source)
            yield cell
        elif not inside:
            yield cell


def _code_follows(cells: list[NotebookNode], start: NotebookNode) -> bool:
    rest = iter(cells[cells.index(start) + 1 :])
    solution = takewhile(lambda cell: "{solution-end}" not in cell.source, rest)
    return any(cell.cell_type == "code" for cell in solution)


def stub(solution: str) -> str:
    """Leave of a solution's code its check: the asserts that it ends in.

    Parameters
    ----------
    solution : str
        Python code that ends in at least one assert.

    Returns
    -------
    str
        Code that raises NotImplementedError, names what to define, and then checks it.

    Raises
    ------
    ValueError
        If the code does not end in an assert.
    """
    body = ast.parse(solution).body
    first = len(body)
    while first and isinstance(body[first - 1], ast.Assert):
        first -= 1
    if first == len(body):
        raise ValueError(f"a solution must end in an assert, its check:\n{solution}")
    lines = solution.splitlines()
    at = body[first].lineno - 1
    check = "\n".join(lines[at:])
    wanted = sorted(_defined("\n".join(lines[:at])) & _needed(check))
    define = f"  # define {', '.join(wanted)}" if wanted else ""
    written = f'raise NotImplementedError("your code here"){define}'
    return f"{written}\n\n# The check\n{check}"


def _defined(code: str) -> set[str]:
    symbols = symtable(code, "solution", "exec").get_symbols()
    return {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}


def _needed(code: str) -> set[str]:
    tables = [symtable(code, "check", "exec")]
    for table in tables:
        tables += table.get_children()
    return {
        symbol.get_name()
        for table in tables
        for symbol in table.get_symbols()
        if symbol.is_global() or (table is tables[0] and symbol.is_referenced())
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else BOOK / "_build")
