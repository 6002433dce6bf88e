"""Every chapter asks questions, and explains every answer."""

import re

import pytest
from support.notebooks import CHAPTERS, markdown

QUESTION = re.compile(
    r"::::\{admonition\} (.*)\n:class: quiz\n\n((?:.|\n)*?)\n::::(?:\n|$)"
)
ANSWER = re.compile(r":::\{dropdown\} (.*)\n((?:.|\n)*?)\n:::(?:\n|$)")


def questions(path):
    _, quiz = markdown(path).split("## Check yourself\n")
    assert "## Exercises" in quiz
    return [ANSWER.findall(answers) for _, answers in QUESTION.findall(quiz)]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_asks_three_questions_with_one_right_answer_each(path):
    asked = questions(path)
    assert len(asked) >= 3
    for answers in asked:
        assert len(answers) >= 3
        verdicts = [explained.partition(":")[0] for _, explained in answers]
        assert sorted(verdicts)[-1] == "Right"
        assert set(sorted(verdicts)[:-1]) == {"No"}
        assert all(len(explained.split()) >= 4 for _, explained in answers)


def test_the_right_answer_does_not_betray_itself_by_its_place():
    places = [
        [explained.startswith("Right") for _, explained in answers].index(True)
        for path in CHAPTERS
        for answers in questions(path)
    ]
    assert all(places.count(place) < 0.6 * len(places) for place in range(3))
