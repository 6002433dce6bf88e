"""On a telephone, the rows of a wide table are cards: nothing scrolls sideways."""

import pytest
from support.accessibility import serious_violations

PHONE = {"width": 390, "height": 844}


@pytest.fixture(params=["results.html", "welcome.html"])
def page(visit, request):
    page = visit(request.param)
    page.set_viewport_size(PHONE)
    return page


def roles(page):
    """Count what Chromium tells a screen reader of, by role."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    names = [node["role"]["value"] for node in nodes if not node["ignored"]]
    return {role: names.count(role) for role in ("row", "columnheader", "cell")}


def test_a_card_shows_every_cell_in_letters_of_twelve_pixels_or_more(page):
    cells = page.locator("table.cards tbody td:not(:empty)").evaluate_all(
        """cells => cells.map(cell => ({
            left: cell.getBoundingClientRect().left,
            right: cell.getBoundingClientRect().right,
            cut: cell.scrollWidth - cell.clientWidth,
            size: parseFloat(getComputedStyle(cell).fontSize),
        }))"""
    )
    assert cells
    assert min(cell["left"] for cell in cells) >= 0
    assert max(cell["right"] for cell in cells) <= PHONE["width"]
    assert max(cell["cut"] for cell in cells) == 0
    assert min(cell["size"] for cell in cells) >= 12


def test_every_cell_of_a_card_says_what_it_is(page):
    labels = page.locator("table.cards").first.evaluate(
        """table => [...table.tBodies[0].rows[0].cells].map(
            cell => getComputedStyle(cell, "::before").content)"""
    )
    titles = page.locator("table.cards").first.locator("th").all_text_contents()
    assert len(labels) == len(titles)
    assert all(title in label for title, label in zip(titles, labels, strict=True))


def test_the_verdict_follows_the_claim(visit):
    page = visit("results.html")
    page.set_viewport_size(PHONE)
    card = page.locator("table.cards tr:has(td[data-label$=verdict])").first
    places = {
        cell.get_attribute("data-label"): cell.bounding_box()["y"]
        for cell in card.locator("td").all()
    }
    assert sorted(places, key=places.get)[:2] == ["claim", "scenes: verdict"]


def test_a_screen_reader_finds_the_same_table_on_a_telephone(page):
    narrow = roles(page)
    assert min(narrow.values()) > 3
    page.set_viewport_size({"width": 1280, "height": 900})
    assert roles(page) == narrow


def test_a_wide_window_shows_a_table(visit):
    page = visit("results.html")
    cells = page.locator("table.cards tbody tr").first.locator("td").all()
    assert len({cell.bounding_box()["y"] for cell in cells}) == 1


def test_axe_finds_nothing_serious_about_cards(page):
    assert serious_violations(page) == []
