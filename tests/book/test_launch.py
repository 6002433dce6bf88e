"""Chapters open on Binder and Colab once there is an address, and run there."""

import re
import sys
from importlib import util

import plain
import pytest
from IPython.core.interactiveshell import InteractiveShell
from support.notebooks import NOTEBOOKS, cells
from support.small_book import build, markdown

CONF = """
from pathlib import Path

import launch

launch.PYPROJECT = Path({pyproject!r})
extensions = ["myst_nb", "sphinx_book_theme", "launch"]
html_theme = "sphinx_book_theme"
nb_execution_mode = "off"
root_doc = "chapter"
"""


def links(folder, urls):
    """Build a book of one chapter, and list the links of its page."""
    pyproject = folder / "pyproject.toml"
    pyproject.write_text(f'[project]\nname = "book"\n{urls}')
    out = build(folder, CONF.format(pyproject=str(pyproject)), [markdown("# Chapter")])
    page = (out / "chapter.html").read_text("utf-8")
    return re.findall(r'href="(https://[^"]+)"', page)


@pytest.mark.parametrize("suffix", ["", ".git"])
def test_with_an_address_every_notebook_opens_on_binder_and_colab(tmp_path, suffix):
    urls = f'urls.Repository = "https://github.com/somebody/some-book{suffix}"'
    found = links(tmp_path, urls)
    assert (
        "https://colab.research.google.com/github/somebody/some-book/blob/notebooks/"
        "chapter.ipynb"
    ) in found
    assert any(
        link.startswith("https://mybinder.org/v2/gh/somebody/some-book/notebooks")
        and link.endswith("/chapter.ipynb")
        for link in found
    )


def test_without_an_address_there_are_no_buttons(tmp_path):
    assert not [u for u in links(tmp_path, "") if "binder" in u or "colab" in u]


@pytest.fixture
def installed(monkeypatch):
    """Run a cell as a notebook would, and list what it installs."""
    shell, calls = InteractiveShell.instance(), []
    monkeypatch.setitem(shell.magics_manager.magics["line"], "pip", calls.append)
    yield lambda cell: shell.run_cell("".join(cell["source"])).raise_error() or calls
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_installs_the_library_on_colab_alone(path, installed, monkeypatch):
    first = cells(path)[0]
    assert "remove-cell" in first["metadata"]["tags"]
    assert installed(first) == []
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    extra = "photographs" if path.stem == "saliency" else "saliency"
    assert installed(first) == [f'install --quiet "gradmask[{extra}]"']


URL = "https://github.com/somebody/some-book"
NAMED = f'[project]\nname = "book"\nversion = "1.2.3"\nurls.Repository = "{URL}"'


def test_a_copy_installs_the_library_from_its_address_if_it_is_missing(
    tmp_path, installed, monkeypatch
):
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(NAMED)
    monkeypatch.setattr(plain, "PYPROJECT", pyproject)
    plain.main(tmp_path)
    library = f"@ git+{URL}@v1.2.3"
    for path in NOTEBOOKS:
        first = cells(tmp_path / path.name)[0]
        assert installed(first) == []
        with monkeypatch.context() as bare:
            bare.setattr(util, "find_spec", lambda name: None)
            commands = installed(first)
        extra = "photographs" if path.stem == "saliency" else "saliency"
        assert commands.pop() == f'install --quiet "gradmask[{extra}] {library}"'
    assert f"gradmask[photographs] {library}\n" in (
        tmp_path / "requirements.txt"
    ).read_text("utf-8")


def test_without_an_address_a_copy_begins_as_its_chapter(tmp_path):
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(NAMED.partition("urls")[0])
    assert plain.address(pyproject) == ""
