"""The glossary: in order, whole, and the words that the chapters use."""

import re

import pytest
from support.notebooks import BOOK, CHAPTERS, markdown

GLOSSARY = re.search(
    r"```\{glossary\}\n(.*?)\n```", (BOOK / "notation.md").read_text("utf-8"), re.DOTALL
)[1]
ENTRIES = dict(entry.split("\n", 1) for entry in GLOSSARY.split("\n\n"))
TERMS = {
    "control",
    "follow the background",
    "literal mask",
    "main path",
    "mask from theory",
    "object contrast",
    "plain training",
    "random",
    "record",
    "schedule",
    "top-k",
}


def test_the_terms_that_every_chapter_relies_on_are_explained():
    assert set(ENTRIES) >= TERMS


def test_terms_stand_in_alphabetical_order():
    assert list(ENTRIES) == sorted(ENTRIES, key=str.lower)


@pytest.mark.parametrize("term", ENTRIES)
def test_a_term_is_explained_in_full_sentences_and_used_in_a_chapter(term):
    meaning = ENTRIES[term]
    assert all(line.startswith("  ") for line in meaning.splitlines())
    assert re.fullmatch(r"\s+[A-Z(].*\.", meaning, re.DOTALL)
    first, *rest = term.split()
    inflected = r"\s+".join([rf"{re.escape(first)}\w*", *map(re.escape, rest)])
    used = [path for path in CHAPTERS if re.search(inflected, markdown(path), re.I)]
    assert used
