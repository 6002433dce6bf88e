"""Chapters open on Binder and Colab once there is an address, and run there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell

ROOT = Path(__file__).parents[1]
EXTENSIONS = ROOT / "book/_ext"
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
CONF = """
import sys
from pathlib import Path

sys.path.insert(0, {extensions!r})
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
    conf = CONF.format(extensions=str(EXTENSIONS), pyproject=str(pyproject))
    (folder / "conf.py").write_text(conf)
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Chapter"}
    notebook["cells"].append(cell)
    (folder / "chapter.ipynb").write_text(json.dumps(notebook))
    command = [sys.executable, "-m", "sphinx", "-q", str(folder), str(folder / "html")]
    subprocess.run(command, check=True, capture_output=True)
    page = (folder / "html/chapter.html").read_text("utf-8")
    return re.findall(r'href="(https://[^"]+)"', page)


@pytest.mark.parametrize("suffix", ["", ".git"])
def test_with_an_address_every_notebook_opens_on_binder_and_colab(tmp_path, suffix):
    urls = f'urls.Repository = "https://github.com/somebody/some-book{suffix}"'
    found = links(tmp_path, urls)
    assert (
        "https://colab.research.google.com/github/somebody/some-book/blob/main/"
        "book/chapter.ipynb"
    ) in found
    assert any(
        link.startswith("https://mybinder.org/v2/gh/somebody/some-book/main")
        and link.endswith("book/chapter.ipynb")
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
    first = json.loads(path.read_text("utf-8"))["cells"][0]
    assert "remove-cell" in first["metadata"]["tags"]
    assert installed(first) == []
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    assert installed(first) == ['install --quiet "gradmask[saliency]"']


def test_the_workflow_runs_what_there_is():
    jobs = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text())["jobs"]
    commands = "\n".join(s.get("run", "") for j in jobs.values() for s in j["steps"])
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {*re.findall(r"make (\w+)", commands)} <= {*targets}
    assert ".ci/run" in commands
    assert all({*j.get("needs", [])} <= {*jobs} for j in jobs.values())
