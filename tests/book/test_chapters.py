"""Every chapter runs from its first cell to its last, solutions included."""

import multiprocessing
import sys

import execute
import execution_cache
import labels
import nbformat
import plain
import pytest
from jupyter_cache import get_cache
from nbmake.nb_run import NotebookRun
from support.notebooks import BOOK, NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path):
    trace = execute.execute(path)
    assert trace is None, trace


def test_a_plain_copy_runs_where_there_is_no_book(tmp_path):
    path = tmp_path / "lateral-inhibition.ipynb"
    book = labels.read(BOOK)
    nbformat.write(plain.plain(book.pages[path.stem], path.stem, book), path)
    assert NotebookRun(path, default_timeout=300).execute().error is None


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """Write a chapter of one cell."""
    monkeypatch.setattr(execution_cache, "CACHES", tmp_path)
    path = tmp_path / "chapter.ipynb"

    def written(source):
        cells = [nbformat.v4.new_code_cell(source)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        return path

    return written


def test_what_was_run_here_is_not_run_again_for_the_book(chapter):
    path = chapter("1 + 1")
    assert not execute.is_kept(path)
    executed = NotebookRun(path, default_timeout=600).execute().nb
    execution_cache.keep(executed, path)
    assert execute.is_kept(path)
    book = get_cache(execution_cache.current_cache())
    _, found = book.merge_match_into_notebook(nbformat.read(path, 4))
    assert found.cells[0].outputs == executed.cells[0].outputs != []


def test_a_chapter_that_fails_is_reported_and_not_kept(chapter):
    path = chapter("1 / 0")
    assert "ZeroDivisionError" in execute.execute(path)
    assert not execute.is_kept(path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's kernels are forks")
class TestForks:
    def test_a_kernel_has_the_library_at_once_and_nothing_of_another_chapter(
        self, chapter
    ):
        fresh = "import sys; assert 'gradmask' in sys.modules; assert 'torch' not in "
        for _ in range(2):
            assert execute.execute(chapter(fresh + "globals(); import torch")) is None

    def test_a_kernel_is_a_process_that_may_have_processes_of_its_own(self, chapter):
        source = """
            import os, torch
            assert os.getpgid(0) == os.getpid()
            loader = torch.utils.data.DataLoader(range(4), num_workers=1)
            assert len(list(loader)) == 4
        """
        assert execute.execute(chapter(source)) is None

    def test_a_kernel_that_hangs_is_ended(self, chapter):
        path = chapter("while True:\n    pass")
        error = NotebookRun(path, default_timeout=1).execute().error
        assert "timed out" in error.trace
        assert multiprocessing.active_children() == []


def test_the_book_is_executed_chapter_by_chapter(chapter, monkeypatch, capsys):
    path = chapter("2 + 2")
    monkeypatch.setattr(execute, "BOOK", path.parent)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert execute.main() == 0
    assert "chapter.ipynb took" in capsys.readouterr().out
    assert execute.is_kept(path)


@pytest.mark.parametrize("change", ["budget", "library", "record"])
def test_outputs_outlast_nothing_that_they_depend_on(change, tmp_path, monkeypatch):
    monkeypatch.setattr(execution_cache, "ROOT", tmp_path)
    module, record = tmp_path / "gradmask/a.py", tmp_path / "book/records/a.json"
    for path in (module, record):
        path.parent.mkdir(parents=True)
        path.write_text("1")
    before = execution_cache.current_cache()
    (record.parent / "a.lock").touch()
    assert execution_cache.current_cache() == before
    if change == "budget":
        monkeypatch.setenv("GRADMASK_BUDGET", "gpu")
    else:
        {"library": module, "record": record}[change].write_text("2")
    assert execution_cache.current_cache() != before
