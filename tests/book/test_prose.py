"""The book's English is British; every chapter has its beginning, end and figures."""

import ast
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
FENCE = re.compile(r"^ *(?P<marks>`{3,}) *(?:\{(?P<name>[\w:-]+)\})?(?P<title>.*)$")
SAID = (
    "exercise",
    "prf:",
    "admonition",
    "tip",
    "warning",
    "hint",
    "note",
    "glossary",
    "index",
)
NOT_PROSE = re.compile(
    r"`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|<[^>]*>|\]\([^)]*\)|\{[a-z:]+\}"
    r"|^ *:[\w-]+:[^\n]*$|^\([\w-]+\)=$",
    re.DOTALL | re.MULTILINE,
)


def unfenced(text):
    """Drop fenced code; keep what a directive says in words, and its title."""
    said, fences = [], []
    for line in text.splitlines():
        fence = FENCE.match(line)
        if fence and fences and fence["marks"] == fences[-1][0] and not fence["title"]:
            fences.pop()
        elif fence:
            keep = bool(fence["name"]) and fence["name"].startswith(SAID)
            fences.append((fence["marks"], keep))
            said.append(f"… {fence['title']} …" if keep else "…")
        elif all(keep for _, keep in fences):
            said.append(line)
    return "\n".join(said)


def captions(path):
    """Join a notebook's captions and alternative texts."""
    shown = [cell["metadata"].get("mystnb", {}) for cell in cells(path)]
    places = [("figure", "caption"), ("image", "alt")]
    said = (m.get(part, {}).get(name, "") for m in shown for part, name in places)
    return "\n\n".join(text for text in said if text)


def prose(path):
    if path.suffix != ".ipynb":
        text = path.read_text("utf-8")
    else:
        text = f"{markdown(path)}\n\n{captions(path)}"
    return NOT_PROSE.sub(" … ", unfenced(text))


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


# What a plain English reader trips over, and what to say instead.
INSTEAD = {
    r"rungs?|ladders?": "schedule",
    r"loud\w*": "strong, large; top-k for the positions of largest energy",
    r"silen(t|ce[sd]?)": "zero; remove, set to zero",
    r"sites?": "layer",
    r"told|tells?|telling": "distinguish, show, say",
    r"heard": "contribute",
    r"foret(old|ells?)": "predict",
    r"beside": "compared with; outside the object; next to",
    r"misled": "follow the background",
    r"survivals?": "similarity after randomisation",
    r"transitions?": "insertion curve, deletion curve",
    r"doubt\w*|judg\w*": "test, question, evaluate",
    r"horizons?": "longer schedule",
    r"hunt\w*": "search",
    r"trunks?": "main path",
    r"moments?": "snapshot",
    r"theory's masks?|masks? of theory|mask that theory chose": "the mask from theory",
}
AS_IT_IS = (
    "The hunt: where it pays",  # A chapter's title in the changelog.
    "main path** (the trunk)",  # Said once, where the term is introduced.
    "also called the trunk",
    "moments of the normal",  # Statistics.
    "exact moments",
    "moments of noise",
)


def doubtful(text):
    """List the doubtful words of a text, each with what to say instead."""
    text = " ".join(text.split())
    for phrase in AS_IT_IS:
        text = text.replace(phrase, "…")
    return [
        f"{match.group()}: say {better}"
        for words, better in INSTEAD.items()
        for match in re.finditer(rf"\b({words})\b", text, re.IGNORECASE)
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_uses_plain_words_and_the_terms_of_the_field(path):
    assert doubtful(prose(path)) == []


def docstrings(path):
    """Join what a module says in its docstrings."""
    documented = ast.Module, ast.ClassDef, ast.FunctionDef
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    said = [ast.get_docstring(node) for node in nodes if isinstance(node, documented)]
    return " ".join(filter(None, said))


# The questions of the experiments stay as they were put.
SOURCES = [
    path
    for path in sorted((BOOK.parent / "gradmask").rglob("*.py"))
    if "experiments" not in path.parts
]
# The attribute `sites` of a handle, the command `judge`, the moments of statistics.
NAMES = ("site", "judge", "moment")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: "/".join(path.parts[-3:]))
def test_docstrings_use_plain_words_and_the_terms_of_the_field(path):
    found = doubtful(docstrings(path))
    assert [word for word in found if not word.lower().startswith(NAMES)] == []


def test_a_doubtful_word_is_found_and_a_phrase_that_may_stay_is_not():
    found = doubtful("The Loudest\nsites, and the exact moments.")
    assert [line.partition(":")[0] for line in found] == ["Loudest", "sites"]


def test_every_phrase_that_may_stay_stands_somewhere():
    said = " ".join(" ".join(prose(path).split()) for path in PAGES)
    assert [phrase for phrase in AS_IT_IS if phrase not in said] == []


def test_prose_is_what_a_page_says_without_its_code():
    page = (
        "Before.\n\n```{exercise} Title\n:label: ex-label\n\nTask `code`.\n```\n\n"
        "Between.\n\n````{prf:lemma}\nTrue.\n```python\ncode\n```\n````\n\nAfter."
    )
    words = re.findall(r"[\w-]+", NOT_PROSE.sub(" ", unfenced(page)))
    assert words == ["Before", "Title", "Task", "Between", "True", "After"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_says_what_it_teaches_and_ends_in_what_was_learnt(path):
    text = markdown(path)
    assert "\n\n**After this chapter** you can " in text or "you know" in text[:300]
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
