"""What a reader without a network may expect of every page of the built book."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from support.accessibility import serious_violations

PICTURES = (
    "main :is(img, canvas, svg:not([aria-hidden=true], mjx-container *, button *))"
)
CONTROLS = "button, input:not([type=radio]), select, textarea, summary, [role=slider]"

# All that a page shows but what a slider's own label says.
SEEN = """() => (window.seen = () => JSON.stringify([
    ...document.querySelectorAll("main :is(p, li, td, output, text):not(label *)"),
    ...document.querySelectorAll("main :is(canvas, path)"),
    ...[...document.querySelectorAll("main img")].filter((e) => e.checkVisibility()),
].map((e) => e.toDataURL?.() ?? e.getAttribute("d") ?? e.src ?? e.textContent)))"""


def test_the_page_loads_without_a_complaint(page):
    assert page.complaints == []


def test_every_equation_is_typeset(page):
    unset = page.locator(".math:not(:has(mjx-container)), [data-mml-node=merror]")
    assert unset.all_text_contents() == []


def test_no_latex_is_left_in_the_text(page):
    text = page.evaluate(
        """() => {
            const page = document.body.cloneNode(true);
            const rest = "mjx-container, pre, code, .sig, script, noscript, style";
            for (const element of page.querySelectorAll(rest)) element.remove();
            return page.textContent;
        }"""
    )
    assert re.findall(r"\\[a-zA-Z()\[\]]+|\$[^$\n]+\$", text) == []


def test_every_picture_is_described(page):
    pictures = page.locator(PICTURES)
    texts = pictures.evaluate_all(
        "all => all.map(e => e.alt || e.ariaLabel || e.textContent || '')"
    )
    assert [text for text in texts if not is_description(text)] == []


def is_description(text):
    return len(text.split()) > 3 and not re.search(r"\.\w{3,4}$|[\\$/]", text)


def test_nothing_is_wider_than_a_telephone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    wide = page.evaluate(
        """() => [...document.querySelectorAll("html, main, .bd-article")]
            .filter((box) => box.scrollWidth > 390).map((box) => box.tagName)"""
    )
    assert wide == []


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing_serious(page, mode):
    page.emulate_media(color_scheme=mode)
    page.locator(f"html[data-theme={mode}]").wait_for()
    assert serious_violations(page, contrast_alone=mode == "dark") == []


def test_axe_finds_nothing_serious_on_a_telephone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    assert serious_violations(page) == []


def test_no_two_elements_share_an_id(page):
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert sorted(i for i in set(ids) if ids.count(i) > 1) == []


def test_links_within_the_book_lead_somewhere(page):
    links = set(page.evaluate("[...document.links].map(a => a.href)"))
    local = [urlsplit(link) for link in links if link.startswith("file:")]
    assert local
    assert [url.geturl() for url in local if not leads_somewhere(url)] == []


def leads_somewhere(url):
    path = Path(unquote(url.path))
    return path.is_file() and (not url.fragment or unquote(url.fragment) in ids(path))


@cache
def ids(path):
    return set(re.findall(r'\sid="([^"]+)"', path.read_text("utf-8")))


def test_the_tabulator_reaches_every_control(page):
    controls = page.evaluate(
        """(controls) => {
            document.addEventListener("focusin", (e) => (e.target.reached = true));
            window.controls = [...document.querySelectorAll(controls)].filter(
                (e) => !e.disabled && e.checkVisibility({visibilityProperty: true}));
            return document.querySelectorAll(`a, [tabindex], ${controls}`).length;
        }""",
        CONTROLS,
    )
    for _ in range(controls):
        page.keyboard.press("Tab")
    missed = "controls.filter((e) => !e.reached).map((e) => e.outerHTML)"
    assert page.evaluate(missed) == []
    assert page.locator("[tabindex]:not([tabindex^='-'], [tabindex='0'])").count() == 0


def test_every_slider_changes_what_is_seen(pages_with):
    pages = pages_with('type="range"')
    assert pages
    for page in pages:
        page.evaluate(SEEN)
        sliders = page.locator("input[type=range]:visible").all()
        assert sliders
        for slider in sliders:
            slider.press("Home")
            page.wait_for_timeout(100)
            before = page.evaluate("seen()")
            slider.press("End")
            wait_for_a_change(page, before)
        assert page.complaints == []


def test_every_answer_of_a_list_changes_what_is_seen(pages_with):
    pages = pages_with("<fieldset")
    assert pages
    for page in pages:
        page.evaluate(SEEN)
        lists = page.locator("fieldset:visible").all()
        assert lists
        for options in lists:
            for _ in options.locator("input").all():
                before = page.evaluate("seen()")
                options.locator("input:checked").press("ArrowDown")
                wait_for_a_change(page, before)
        assert page.complaints == []


def wait_for_a_change(page, before):
    page.wait_for_function("before => seen() !== before", arg=before, timeout=3000)


def test_the_mode_switch_turns_the_page_dark_and_is_remembered(visit):
    page = visit("welcome.html")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("button.theme-switch-button:visible").press("Enter")
    page.locator("html[data-theme=dark]").wait_for()
    page.reload()
    page.locator("html[data-theme=dark]").wait_for()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_the_book_opens_at_its_welcome(visit):
    visit("index.html").wait_for_url("**/welcome.html")
