"""Answers open, and look right or wrong."""

import re

import pytest


def test_an_answer_unfolds_from_the_keyboard(visit):
    page = visit("pruning.html")
    answer = page.locator(".quiz details").first
    explained = answer.get_by_text(re.compile("^(Right|No): "))
    assert not explained.is_visible()
    answer.locator("summary").press("Enter")
    assert explained.is_visible()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_right_and_wrong_differ_in_sign_word_and_colour(visit, mode):
    page = visit("pruning.html")
    page.emulate_media(color_scheme=mode)
    page.locator(f"html[data-theme={mode}]").wait_for()
    looks = page.locator(".quiz details").evaluate_all(
        """all => all.map(details => {
            details.open = true;
            const answer = details.querySelector("p:is(.right, .wrong)");
            const sign = getComputedStyle(answer, "::before");
            const border = getComputedStyle(details.firstElementChild);
            const word = answer.textContent.split(":")[0];
            return [word, sign.content[1], sign.color, border.borderLeftColor].join();
        })"""
    )
    assert len(looks) >= 9
    right, wrong = (
        {look.split(",", 1)[1] for look in looks if look.startswith(word)}
        for word in ("Right", "No")
    )
    assert len(right) == len(wrong) == 1
    assert right.pop()[0] == "✓"
    assert wrong.pop()[0] == "✗"


def test_how_to_answer_stands_once_above_the_first_question(visit):
    page = visit("pruning.html")
    hint = page.get_by_text("Click an answer to check it.")
    assert hint.count() == 1
    below = hint.evaluate("hint => hint.nextElementSibling.className")
    assert "quiz" in below
