"""Search works on files, says what it lacks there, and marks only what it found."""

import pytest

MARKS = ".highlighted, .highlight-link"


def test_a_search_from_the_keyboard_finds_a_page(visit):
    page = visit("welcome.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("zero-sum")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=zero-sum*")
    page.locator("#search-results li a").first.click()
    page.wait_for_url(lambda url: "search.html" not in url)
    text = page.locator("main").inner_text().lower()
    assert "zero" in text
    assert "sum" in text


@pytest.fixture
def searched(visit):
    page = visit("search.html", "?q=retina")
    page.locator("#search-results li a").first.wait_for()
    return page


def test_the_search_page_lists_titles_and_says_how_to_see_excerpts(searched):
    assert "make serve" in searched.locator("main").inner_text()
    assert searched.complaints == []


def test_marks_are_on_the_page_that_was_found_and_not_on_the_next(searched):
    searched.locator("#search-results li a").first.click()
    searched.locator(MARKS).first.wait_for()
    searched.locator(".prev-next-area a").first.click()
    searched.wait_for_timeout(500)
    assert searched.locator(MARKS).count() == 0


def test_who_leaves_the_results_for_another_page_finds_no_marks(searched):
    searched.locator(".bd-sidebar-primary a", has_text="Lateral").click()
    searched.wait_for_url("**/lateral-inhibition.html")
    searched.wait_for_timeout(500)
    assert "retina" in searched.locator("main").inner_text()
    assert searched.locator(MARKS).count() == 0
