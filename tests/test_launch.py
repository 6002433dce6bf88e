"""Buttons for Binder and Colab: none without an address, the right ones with one."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXTENSIONS = Path(__file__).parents[1] / "book/_ext"
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
