"""A term of the glossary shows its definition to a pointer and to the keyboard."""

import pytest
from support.accessibility import serious_violations


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("reach", ["hover", "focus"])
def test_a_definition_is_shown_where_a_term_is_reached(visit, reach, mode):
    page = visit("pruning.html")
    page.emulate_media(color_scheme=mode)
    page.locator(f"html[data-theme={mode}]").wait_for()
    term = page.locator("a.term", has_text="top-k").first
    getattr(term, reach)()
    tip = page.get_by_role("tooltip")
    tip.wait_for()
    assert "without comparing neighbours" in tip.inner_text()
    assert term.get_attribute("aria-describedby") == tip.get_attribute("id")
    assert serious_violations(page, contrast_alone=True) == []


def test_a_term_leads_to_its_entry(visit):
    page = visit("pruning.html")
    page.locator("a.term", has_text="top-k").first.click()
    page.wait_for_url("**/notation.html#term-top-k")


def test_no_chapter_explains_a_term_twice(visit):
    page = visit("results.html")
    targets = page.locator("a.term").evaluate_all("all => all.map(a => a.href)")
    assert len(targets) > 5
    assert len(set(targets)) == len(targets)
