"""The book's English is British; every chapter has its beginning, end and figures."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.notebooks import BOOK, CHAPTERS, cells, markdown

ROOT = BOOK.parent
PAGES = sorted([*BOOK.glob("*.ipynb"), *BOOK.glob("*.md"), *ROOT.glob("*.md")])
# Matters of taste, or already seen to: quotation marks, "saliency", "but".
UNCHECKED = (" misc.but", " needless_variants", " typography", " weasel_words.very")
AMERICAN = re.compile(
    r"\b(behavior|cent(er|ered|ers)\b|color|favor(?!\b.*licen)|flavor|gray|honor|labeled|"
    r"labeling|modeling|neighbor|toward\b|[a-z]{3,}(?<!s)iz(e|ed|es|ing|ation)\b|analyz)",
    re.IGNORECASE,
)
SAME_IN_BRITISH = {
    "size",
    "sized",
    "sizes",
    "sizing",
    "prize",
    "seize",
    "resize",
    "resized",
}
NOT_PROSE = re.compile(
    r"```(?!\{exercise|\{prf|\{admon|\{tip|\{warn|\{hint|\{note).*?\n```"
    r"|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|<[^>]*>|\]\([^)]*\)|\{[a-z:]+\}",
    re.DOTALL,
)


def prose(path):
    text = markdown(path) if path.suffix == ".ipynb" else path.read_text("utf-8")
    return NOT_PROSE.sub(" … ", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_spelling_is_british(path):
    found = {match.group().lower() for match in AMERICAN.finditer(prose(path))}
    assert found <= SAME_IN_BRITISH


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_word_stands_twice(path):
    twice = re.compile(r"\b([a-z]{2,})[ \n]+\1\b", re.IGNORECASE)
    found = {match.group(1).lower() for match in twice.finditer(prose(path))}
    assert found <= {"had", "that"}


def test_a_prose_linter_has_nothing_to_say(tmp_path):
    pages = [tmp_path / f"{path.stem}.md" for path in PAGES]
    for page, path in zip(pages, PAGES, strict=True):
        page.write_text(prose(path), "utf-8")
    proselint = Path(sys.executable).with_name("proselint")
    command = [proselint, "check", *pages]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode in (0, 1), checked.stderr
    said = [line for line in checked.stdout.splitlines() if line]
    assert not [line for line in said if not any(name in line for name in UNCHECKED)]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_says_what_it_teaches_and_ends_in_what_was_learnt(path):
    text = markdown(path)
    assert "\n\n**After this chapter** you can " in text or "you know" in text[:300]
    assert "\n*Reading: " in text
    end = text.split("\n## Summary\n")[1]
    assert re.search(
        r"\n- .*\n\n\*\*Next\*\*: .*\n\n\*\*Further reading\*\*: ", end, re.S
    )


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_figure_is_mentioned_in_the_text(path):
    metadata = [cell["metadata"] for cell in cells(path)]
    figures = [m.get("mystnb", {}).get("figure", {}) for m in metadata]
    names = {figure["name"] for figure in figures if figure}
    assert names <= set(re.findall(r"\{numref\}`([\w-]+)`", markdown(path)))
