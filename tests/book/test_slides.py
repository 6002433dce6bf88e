"""Slides show a chapter's pictures, formulas and code; its prose is in their notes."""

import re

import pytest
from support.small_book import build, markdown

CONF = """
extensions = ["myst_nb", "sphinx_design", "sphinx_revealjs", "slides"]
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"
root_doc = "book"
"""
DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAA"
    "BJRU5ErkJggg=="
)
CHAPTER = """# Chapter

After this chapter you can tell.

A word of welcome.

## First

Prose before.

$$x = 1$$

Prose between.
"""
REST = """Prose after.

## Second

Nothing but prose.

And more of it.

## Exercises

Work it out.
"""


def code(source, data=None, **metadata):
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": metadata,
        "outputs": [output] if data else [],
        "source": source,
    }


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    """Build the slides of a book of one chapter, and return its pages."""
    folder = tmp_path_factory.mktemp("book")
    figure = {"mystnb": {"figure": {"name": "dot", "caption": "A dot."}}}
    cells = [
        markdown(CHAPTER),
        code("draw()", {"image/png": DOT}, **figure),
        code("assert True"),
        code("import folded", tags=["hide-input"]),
        code("folded()", {"text/plain": "unfolded"}, tags=["hide-input"]),
        code("answer = 42", {"text/plain": "42"}),
        code("\n".join("too_long = 1" for _ in range(20)), {"text/plain": "seen"}),
        markdown(REST),
    ]
    (folder / "bare.md").write_text("# Bare\n")
    (folder / "book.md").write_text("# Book\n\n```{toctree}\nchapter\nbare\n```\n")
    out = build(folder, CONF, cells, "revealjs")
    return {
        name: (out / f"{name}.html").read_text("utf-8") for name in ("book", "chapter")
    }


def slides(page):
    """List what each slide shows, without tags, and what its notes say."""
    body = page.split('role="main">')[1].split("<script")[0]
    parts = [part for part in re.split(r"<section[^>]*>", body) if "<h" in part]
    text = [
        re.sub(r"<[^>]*>", " ", part.replace("<aside", "@<aside")) for part in parts
    ]
    return [(*map(str.strip, part.split("@")), "")[:2] for part in text]


def test_pictures_formulas_and_code_are_shown_and_prose_is_spoken(decks):
    shown, spoken = zip(*slides(decks["chapter"]), strict=True)
    cover, formula, dot, folded, answer, long, second = shown
    assert "After this chapter" in cover
    assert "x = 1" in formula
    assert "A dot." in dot
    assert "unfolded" in folded
    assert "answer = 42" in answer
    assert "seen" in long
    assert "Nothing but prose." in second
    assert "Prose before." in spoken[1]
    assert "Prose between." in spoken[1]
    assert "And more of it." in spoken[6]
    assert "Prose" not in "".join(shown)


def test_checks_exercises_long_code_and_the_code_of_a_figure_are_left_out(decks):
    for absent in (
        "assert",
        "Work it out.",
        "too_long",
        "draw()",
        "import folded",
        "folded()",
        "A word of welcome.",
    ):
        assert absent not in "".join(shown for shown, _ in slides(decks["chapter"]))


def test_the_first_page_lists_the_chapters(decks):
    assert (
        '<a class="reference internal" href="chapter.html">Chapter</a>' in decks["book"]
    )


def test_slides_need_no_network_and_no_script_of_the_books_pages(decks):
    scripts = re.findall(r'<script src="([^"]*)"', decks["chapter"])
    assert scripts
    assert all(
        "revealjs" in script or "mathjax" in script.lower() for script in scripts
    )
    assert not any(
        ":" in script for script in scripts if "mathjax" not in script.lower()
    )
