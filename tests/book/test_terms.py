"""A chapter explains a term of the glossary where it first uses it."""

import re

import pytest
from support.small_book import EXTENSIONS, build, markdown

CONF = """
extensions = ["myst_nb", "terms"]
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"
root_doc = "chapter"
"""
GLOSSARY = """# Words

```{glossary}
false alarm
  A place *outside*
  the "object".

hit
  A place of it.

top-k
  The largest.
```

A false alarm is no hit.
"""


@pytest.fixture
def linked(tmp_path):
    """List the words that a chapter of this source links, and what they show."""

    def links(source):
        (tmp_path / "words.md").write_text(GLOSSARY)
        out = build(tmp_path, CONF, [markdown(f"# Chapter\n\n{source}")])
        assert 'class="term"' not in (out / "words.html").read_text("utf-8")
        page = (out / "chapter.html").read_text("utf-8")
        found = re.findall(r'<a class="term"([^>]*)>(.*?)</a>', page, re.DOTALL)
        return [(" ".join(word.split()), attributes) for attributes, word in found]

    return links


def test_the_first_use_shows_the_definition_and_leads_to_it(linked):
    ((word, attributes),) = linked("One false\nalarm, and a false alarm.")
    assert word == "false alarm"
    assert 'title="A place outside the “object”."' in attributes
    assert 'href="words.html#term-false-alarm"' in attributes
    assert 'data-bs-toggle="tooltip"' in attributes


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("*Top-k* has **false alarms**.", ["Top-k", "false alarms"]),
        ("- Alarms are false; top-k\n- Top-k", ["top-k"]),
        ("## Top-k\n\n`top-k`, $top-k$, [top-k](https://a.b)", []),
        ("| top-k |\n|---|\n| top-k |\n\n```\ntop-k\n```", []),
        ("Non-top-k, top-kk, top-k-like.", []),
        ("It is a hit.", []),
    ],
)
def test_words_are_found_in_prose_alone(linked, source, words):
    assert [word for word, _ in linked(source)] == words


def test_the_longer_of_two_terms_wins(monkeypatch):
    monkeypatch.syspath_prepend(EXTENSIONS)
    from terms import first_use

    assert (
        first_use("an error\nenergy", {"error", "error energy"})[1] == "error\nenergy"
    )
    assert first_use("an error", set()) is None
