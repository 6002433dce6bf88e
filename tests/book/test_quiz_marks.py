"""What the book makes of a question: a line above it, and a class for each answer."""

import re

from support.small_book import build, markdown

CONF = """
extensions = ["myst_nb", "sphinx_design", "quiz"]
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = "off"
root_doc = "chapter"
"""
QUESTION = """
::::{admonition} Which?
:class: quiz

:::{dropdown} This.
Right: of *course*.
:::

:::{dropdown} That.
No: it is not.
:::
::::
"""
HINT = "Click an answer to check it."


def page(folder, source):
    out = build(folder, CONF, [markdown(f"# Chapter\n\nText.\n\n{source}")])
    return (out / "chapter.html").read_text("utf-8")


def test_how_to_answer_stands_once_before_all_questions(tmp_path):
    text = page(tmp_path, 2 * QUESTION)
    assert text.count(HINT) == 1
    assert text.index("Text.") < text.index(HINT) < text.index("Which?")


def test_an_answer_is_classed_by_its_first_word(tmp_path):
    text = page(tmp_path, QUESTION)
    assert re.search(r'<p class="[^"]*\bright\b[^"]*">Right: of <em>', text)
    assert re.search(r'<p class="[^"]*\bwrong\b[^"]*">No: it', text)


def test_a_page_without_questions_stays_as_it_is(tmp_path):
    text = page(tmp_path, "No: nothing is asked.")
    assert HINT not in text
    assert "wrong" not in text
