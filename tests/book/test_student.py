"""Student notebooks: only what is to be written is missing, and the checks stay."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import student
from nbclient import NotebookClient

BOOK = Path(__file__).parents[2] / "book"
CHAPTERS = sorted(path.stem for path in BOOK.glob("*.ipynb"))


def chapter(name):
    return nbformat.read(BOOK / f"{name}.ipynb", as_version=4)


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def is_stub(source):
    return source.startswith("raise NotImplementedError(")


@pytest.mark.parametrize("name", CHAPTERS)
def test_without_solutions_nothing_but_what_is_to_be_written_fails(name, tmp_path):
    # The chapter itself is run by another test, and its solutions leave no trace in it.
    notebook = student.unsolved(chapter(name))
    pairs = list(zip(code(chapter(name)), code(notebook), strict=True))
    assert sum(is_stub(given) for _, given in pairs) == solution_cells(name)
    assert all(is_stub(given) or given == ours for ours, given in pairs)
    assert traces(chapter(name), tmp_path) == ""


def traces(chapter, folder):
    """Say where, outside the solutions, a name is read that a solution has bound."""
    cells = code(chapter)
    given = code(student.unsolved(chapter))
    outside, inside = set(), set()
    for number, (ours, left) in enumerate(zip(cells, given, strict=True)):
        bound = student._defined(re.sub("(?m)^( *)%.*", r"\1pass", ours))
        if is_stub(left):
            inside |= bound
            names = ", ".join(sorted(bound | {"_"}))
            cells[number] = f"{names} = ()\ndel {names}"
        else:
            outside |= bound
    # What a function reads is bound by the end: by the chapter, if not by the solution.
    cells += [f"{name} = None" for name in sorted(inside & outside)]
    path = folder / "without.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)])
    nbformat.write(notebook, path)
    options = (
        "check --isolated --no-cache --select F821 --quiet --output-format concise"
    )
    ruff = [sys.executable, "-m", "ruff", *options.split(), str(path)]
    done = subprocess.run(ruff, capture_output=True, text=True)
    assert done.returncode < 2, done.stderr
    return done.stdout


SOLVED = """```{{exercise}} Twice

Write it.
```
---
given = 1
---
```{{solution-start}} twice
```
---
def twice(x):
    return 2 * x

given = 2
assert twice(given) == 4
---
```{{solution-end}}
```
---
{after}"""


def made_up(after):
    new = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    parts = SOLVED.format(after=after).split("\n---\n")
    cells = [new[not part.startswith("```")](part) for part in parts]
    return nbformat.v4.new_notebook(cells=cells)


def test_a_students_notebook_fails_where_something_is_to_be_written_and_goes_on():
    notebook = student.unsolved(made_up("given = 3\ngiven"))
    NotebookClient(notebook, timeout=60, allow_errors=True).execute()
    first, stub, last = (c.outputs for c in notebook.cells if c.cell_type == "code")
    assert first == []
    assert [output.ename for output in stub] == ["NotImplementedError"]
    assert [output.data["text/plain"] for output in last] == ["3"]


@pytest.mark.parametrize(
    ("after", "name"),
    [
        ("given = 3\nprint(given)", None),
        ("def use():\n    return given", None),
        ("print(given)", "given"),
        ("print(twice(1))", "twice"),
        ("def use():\n    return twice(1)", "twice"),
    ],
)
def test_a_solution_that_the_rest_needs_is_found(after, name, tmp_path):
    found = traces(made_up(after), tmp_path)
    assert re.findall("name `(.*)`", found) == [name] * bool(name)


@pytest.mark.parametrize("name", CHAPTERS)
def test_where_something_is_to_be_written_nothing_is_hidden(name):
    cells = student.unsolved(chapter(name)).cells
    assert not [c for c in cells if is_stub(c.source) and c.metadata.get("tags")]


def solution_cells(name):
    inside, count = False, 0
    for cell in chapter(name).cells:
        if "{solution-" in cell.source:
            inside = "{solution-start}" in cell.source
        count += inside and cell.cell_type == "code"
    return count


def test_a_stub_keeps_the_check_and_names_what_it_needs():
    code = """a, b = 1, [2]
c = [f for f in b]

def f(x):
    y = x
    return y

assert all(f(x) == [c for c in b] for x in [b])
"""
    expected = """raise NotImplementedError("your code here")  # define b, f

# The check
assert all(f(x) == [c for c in b] for x in [b])"""
    assert student.stub(code) == expected


def test_a_solution_without_a_check_is_refused():
    with pytest.raises(ValueError, match="must end in an assert"):
        student.stub("assert True\nprint(1)")


def test_the_command_writes_both_sets(tmp_path, capsys):
    student.main(tmp_path)
    assert capsys.readouterr().out == f"{tmp_path}/student, {tmp_path}/instructor\n"
    given, whole = (
        {path.stem: path for path in (tmp_path / kind).glob("*.ipynb")}
        for kind in ("student", "instructor")
    )
    assert set(CHAPTERS) <= given.keys() == whole.keys() - {"teachers"}
    for name in CHAPTERS:
        stubs, solved = (
            sum(map(is_stub, code(nbformat.read(set_[name], as_version=4))))
            for set_ in (given, whole)
        )
        assert (stubs, solved) == (solution_cells(name), 0)
