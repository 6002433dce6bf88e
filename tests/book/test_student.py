"""Student notebooks: only what is to be written is missing, and the checks stay."""

import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

BOOK = Path(__file__).parents[2] / "book"
sys.path.insert(0, str(BOOK))

import student  # noqa: E402

CHAPTERS = sorted(path.stem for path in BOOK.glob("*.ipynb"))


def chapter(name):
    return nbformat.read(BOOK / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("name", CHAPTERS)
def test_without_solutions_nothing_but_what_is_to_be_written_fails(name):
    notebook = student.course_notebook(chapter(name), solved=False)
    NotebookClient(notebook, timeout=600, allow_errors=True).execute()
    stubs = 0
    for cell in notebook.cells:
        errors = [o for o in cell.get("outputs", ()) if o.output_type == "error"]
        expected = "raise NotImplementedError" in cell.source
        assert [error.ename for error in errors] == ["NotImplementedError"] * expected
        stubs += expected
    assert stubs == solution_cells(name)


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_instructors_notebook_runs_the_chapters_code(name):
    notebook = student.course_notebook(chapter(name), solved=True)
    nbformat.validate(notebook)
    ours, source = (
        [cell.source for cell in nb.cells if cell.cell_type == "code"]
        for nb in (notebook, chapter(name))
    )
    assert ours == source
    assert not any("{solution" in cell.source for cell in notebook.cells)
    assert not any("{exercise}" in cell.source for cell in notebook.cells)
    assert not any("{index}" in cell.source for cell in notebook.cells)
    assert not any(":::{" in cell.source for cell in notebook.cells)


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
    for kind in ("student", "instructor"):
        assert sorted(p.stem for p in (tmp_path / kind).iterdir()) == CHAPTERS
        assert f"{tmp_path}/{kind}" in capsys.readouterr().out or kind == "instructor"
