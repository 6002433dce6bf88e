"""Pictures open at their full size, and do not glare in the dark."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from support.accessibility import serious_violations

PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 900}


@pytest.fixture(params=["pruning.html", "welcome.html"])
def page(visit, request):
    return visit(request.param)


def enlarged(page):
    return page.locator("dialog.enlarged")


def test_every_picture_opens_from_the_keyboard_and_gives_the_focus_back(page):
    pictures = page.locator("main :is(figure, picture) img:visible").all()
    assert pictures
    for picture in pictures:
        opener = picture.locator("xpath=ancestor::*[@aria-haspopup='dialog']")
        opener.press("Enter")
        assert enlarged(page).is_visible()
        shown = enlarged(page).locator("img")
        assert shown.get_attribute("alt") == picture.get_attribute("alt")
        page.keyboard.press("Escape")
        enlarged(page).wait_for(state="detached")
        assert opener.evaluate("opener => opener === document.activeElement")
    assert page.complaints == []


@pytest.mark.parametrize("closer", ["button", "img"])
def test_a_click_closes_what_a_click_opened(page, closer):
    page.locator(".opens").first.click()
    enlarged(page).locator(closer).click()
    enlarged(page).wait_for(state="detached")


def test_a_telephone_shows_half_the_resolution_and_scrolls(page):
    page.set_viewport_size(PHONE)
    page.locator(".opens").first.click()
    shown = enlarged(page).locator("img")
    natural = shown.evaluate("img => img.naturalWidth")
    assert shown.bounding_box()["width"] == pytest.approx(natural / 2, abs=1)
    assert natural / 2 > PHONE["width"]
    dialog = enlarged(page)
    assert dialog.evaluate("box => (box.scrollBy(1e6, 0), box.scrollLeft)") > 0
    assert dialog.get_by_role("button").bounding_box()["x"] < PHONE["width"] - 44


def test_a_wide_window_is_filled_up_to_the_picture_s_resolution(page):
    page.set_viewport_size(WIDE)
    page.locator(".opens").first.click()
    shown = enlarged(page).locator("img")
    natural = shown.evaluate("img => img.naturalWidth")
    width = shown.bounding_box()["width"]
    assert width == pytest.approx(min(natural, WIDE["width"]), abs=20)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing_serious_with_a_picture_open(visit, mode):
    page = visit("pruning.html")
    page.emulate_media(color_scheme=mode)
    page.locator(f"html[data-theme={mode}]").wait_for()
    page.locator(".opens").first.click()
    enlarged(page).wait_for()
    assert serious_violations(page) == []


def test_without_scripts_a_figure_is_a_link_to_its_picture(visit_without_scripts):
    page = visit_without_scripts("pruning.html")
    links = page.locator("figure a:has(img)").all()
    assert links
    for link in links:
        link.click()
        page.wait_for_url("**/_images/*.png")
        page.go_back()


def brightest(locator):
    pixels = np.asarray(Image.open(BytesIO(locator.screenshot())).convert("RGB"))
    return pixels.max(axis=2)


@pytest.mark.parametrize(
    ("name", "figure", "mode", "low", "high"),
    [
        ("pruning.html", "#fig-pruned", "light", 255, 255),
        ("pruning.html", "#fig-pruned", "dark", 10, 30),
        ("gradient-mask.html", "#fig-layers", "light", 255, 255),
        ("gradient-mask.html", "#fig-layers", "dark", 180, 220),
    ],
)
def test_the_ground_of_a_figure_is_white_by_day_and_by_night_dark_or_dimmed(
    visit, name, figure, mode, low, high
):
    page = visit(name)
    page.emulate_media(color_scheme=mode)
    page.locator(f"html[data-theme={mode}]").wait_for()
    pixels = brightest(page.locator(f"figure{figure} img"))
    ground = np.bincount(pixels[[2, -3]].ravel()).argmax()
    assert low <= ground <= high


def test_a_telephone_shows_panels_below_one_another(visit):
    page = visit("pruning.html")
    cut = page.locator("figure .pieces").first
    assert not cut.is_visible()
    page.set_viewport_size(PHONE)
    whole = page.locator("figure img").first
    assert whole.bounding_box()["width"] == 1
    panels = [span.bounding_box() for span in cut.locator("> span").all()]
    tall = [box for box in panels if box["height"] > 100]
    assert len(tall) == 3
    assert sorted(box["y"] for box in tall) == [box["y"] for box in tall]
    assert all(box["x"] + box["width"] <= PHONE["width"] for box in panels)
    cut.click()
    assert enlarged(page).is_visible()
    assert page.complaints == []
