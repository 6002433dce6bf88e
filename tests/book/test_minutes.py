"""How long a chapter is said to take, and what it is said to need."""

import json
import re

import minutes
import pytest
import times
from support.small_book import build

CHAPTERS = minutes.chapters()
CONF = """
extensions = ["myst_nb", "times"]
nb_execution_mode = "off"
root_doc = "chapter"
"""
TABLE = "# Chapters\n\n```{chapters}\n```"


def prose(text):
    return {"cell_type": "markdown", "metadata": {}, "source": [text]}


def code(text, **metadata):
    return {"cell_type": "code", "metadata": metadata, "source": [text]}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([prose("word " * 1200)], 10),
        ([prose("$$x$$ " * 10)], 10),
        ([prose("$x = y + z$ " * 1200)], 10),
        ([code("", mystnb={})] * 10, 10),
        ([code("table([], [])", tags=["hide-input"])] * 20, 10),
        ([code("x = 1\n" * 120)], 10),
        ([code("x = 1\n" * 1200, tags=["remove-cell"])], 5),
        ([prose("word " * 1200), prose("## Exercises\n"), prose("word " * 9000)], 10),
    ],
)
def test_reading_takes_what_the_rule_says(cells, expected):
    assert minutes.reading_minutes(cells) == expected


def test_exercises_take_what_their_grades_say():
    graded = "*Warm-up.* a\n\n*Practice.* b\n\n*Stretch.* c\n\n*Stretch.* d"
    assert minutes.exercise_minutes([prose(graded)]) == 5 + 10 + 20 + 20


def test_only_the_first_sentence_says_what_is_needed():
    text = "*Needs: {doc}`a`, {doc}`b`; a convolution. {doc}`c` helps.*"
    assert minutes.needs([prose(text)]) == ("a", "b")


def test_a_title_ends_at_its_colon_and_has_no_star():
    first = code("# a comment, not a title\nx = 1")
    assert minutes.title([first, prose("# ★ Attacks: real\n\nText.")]) == "Attacks"


def test_times_are_said_in_words():
    chapter = minutes.Chapter("a", "A", (), 40, 25, 1.0)
    assert minutes.header(chapter) == (
        "Reading: 40 minutes; exercises: 25 minutes. Running: a minute."
    )
    assert minutes.in_words(0.2) == "less than a minute"
    assert minutes.in_words(2.6) == "3 minutes"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_chapter_needs_only_what_comes_before_it(chapter):
    names = [one.name for one in CHAPTERS]
    before = names[: names.index(chapter.name)]
    assert set(chapter.needs) <= set(before)
    assert chapter.needs or chapter is CHAPTERS[0]


def test_the_running_times_are_a_record():
    record = json.loads(minutes.RUNNING.read_text("utf-8"))
    assert set(record["seconds"]) == {chapter.name for chapter in CHAPTERS}
    assert not record["provenance"]["commit"].endswith("+")
    assert {"torch", "hardware", "date"} <= set(record["provenance"])


def test_the_times_stand_in_front_of_what_a_chapter_needs():
    chapter = CHAPTERS[1]
    source = ["*Needs: {doc}`a`.*"]
    times.say_times(None, chapter.name, source)
    assert source == [f"*{minutes.header(chapter)} Needs: {{doc}}`a`.*"]
    assert minutes.with_times("teachers", "Nothing.") == "Nothing."


def test_the_table_of_chapters_leads_to_each_and_to_what_it_needs(tmp_path):
    names = [chapter.name for chapter in CHAPTERS]
    pages = {f"{name}.md": f"# Page {name}" for name in names}
    for name, text in pages.items():
        (tmp_path / name).write_text(text)
    conf = CONF
    table = {"cell_type": "markdown", "metadata": {}, "source": TABLE}
    page = (build(tmp_path, conf, [table]) / "chapter.html").read_text("utf-8")
    rows = re.findall(r"<tr.*?</tr>", page, re.S)[1:]
    assert len(rows) == len(CHAPTERS)
    for row, chapter in zip(rows, CHAPTERS, strict=True):
        links = re.findall(r'href="(.+?)\.html"', row)
        assert links == [chapter.name, *chapter.needs]
        assert f"<p>{chapter.reading} min</p>" in row
