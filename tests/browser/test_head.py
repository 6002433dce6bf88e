"""Every page says in its head what it is, and each something else."""

import re

import pytest

PAGES = ["welcome", "attacks", "pruning", "teachers", "notation", "api"]


@pytest.fixture
def pages(visit):
    return [visit(f"{name}.html") for name in PAGES]


def content(page, name):
    selector = f"meta[name='{name}'], meta[property='{name}']"
    return page.locator(selector).get_attribute("content")


def test_titles_and_descriptions_are_of_a_length_that_is_shown_and_distinct(pages):
    titles = {page.title() for page in pages}
    descriptions = {content(page, "description") for page in pages}
    assert len(titles) == len(descriptions) == len(pages)
    assert all(re.fullmatch("(.+ – )?Gradient Mask", title) for title in titles)
    assert all(len(title) <= 60 for title in titles)
    assert all(50 < len(text) <= 200 for text in descriptions)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_browser_s_bar_has_the_colour_of_the_page(visit, mode):
    page = visit("welcome.html")
    page.emulate_media(color_scheme=mode)
    page.locator(f"html[data-theme={mode}]").wait_for()
    tag = page.locator(f"meta[name=theme-color][media*={mode}]")
    red, green, blue = bytes.fromhex(tag.get_attribute("content").removeprefix("#"))
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == f"rgb({red}, {green}, {blue})"


def test_the_icon_is_there(visit):
    page = visit("welcome.html")
    icon = page.locator("link[rel=icon]").evaluate("link => link.href")
    page.goto(icon)
    assert page.locator("circle").count() > 0
