"""A page's head: its title and what it says to those who find or share it."""

import re
from html import unescape

import pytest
from support.small_book import build, markdown

CONF = """
from pathlib import Path

import launch

launch.PYPROJECT = Path({pyproject!r})
extensions = ["myst_nb", "sphinx_book_theme", "head"]
html_theme = "sphinx_book_theme"
html_title = "Some Book"
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"
root_doc = "chapter"
"""
CHAPTER = """# Cats & dogs: *a comparison*

*A first line.*

**After this chapter** you can tell "cats"
from dogs. {more}
"""


def head(folder, urls="", source=CHAPTER):
    """Build a book of one chapter, and read its title and its tags."""
    pyproject = folder / "pyproject.toml"
    pyproject.write_text(f'[project]\nname = "book"\n{urls}')
    out = build(folder, CONF.format(pyproject=str(pyproject)), [markdown(source)])
    page = unescape((out / "chapter.html").read_text("utf-8"))
    found = re.findall(r'<meta (?:name|property)="([^"]+)" content="(.*?)" />', page)
    return re.search("<title>(.*?)</title>", page)[1], dict(found), page


def test_a_tab_shows_the_title_to_its_colon_and_others_all_of_it(tmp_path):
    title, tags, _ = head(tmp_path)
    assert title == "Cats & dogs – Some Book"
    assert tags["og:title"] == "Cats & dogs: a comparison"
    assert tags["og:site_name"] == "Some Book"


def test_the_book_s_own_page_has_its_name_once(tmp_path):
    assert head(tmp_path, source="# Some Book\n\nText.")[0] == "Some Book"


def test_a_page_is_described_by_what_it_promises(tmp_path):
    _, tags, _ = head(tmp_path, source=CHAPTER.format(more="word " * 50))
    promise = "After this chapter you can tell “cats” from dogs. word"
    assert tags["description"].startswith(promise)
    assert tags["description"].endswith(" ...")
    assert 180 < len(tags["description"]) <= 200
    assert tags["og:description"] == tags["description"]


def test_a_page_that_promises_nothing_is_described_by_its_first_words(tmp_path):
    _, tags, _ = head(tmp_path, source="# Title\n\n$x$ is *not* one.\n\nThis\nis.")
    assert tags["description"] == "This is."


def test_an_address_brings_a_picture(tmp_path):
    address = "https://somebody.github.io/some-book/"
    _, tags, page = head(tmp_path, f'urls.Documentation = "{address}"')
    assert tags["og:url"] == f"{address}chapter.html"
    assert tags["og:image"] == f"{address}_static/gradient-mask.png"
    assert f'<link rel="canonical" href="{address}chapter.html" />' in page


def test_without_an_address_no_tag_is_half_of_one(tmp_path):
    _, tags, page = head(tmp_path)
    assert not {"og:url", "og:image", "og:image:alt"} & set(tags)
    assert "canonical" not in page


@pytest.mark.parametrize(
    ("mode", "colour"), [("light", "#ffffff"), ("dark", "#121212")]
)
def test_the_browser_s_bar_has_the_page_s_ground(tmp_path, mode, colour):
    _, _, page = head(tmp_path)
    media = rf'theme-color" media="\(prefers-color-scheme: {mode}\)" content="(.*?)"'
    assert re.findall(media, page) == [colour]
