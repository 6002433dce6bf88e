"""The built book in Debian's Chromium: each page is opened once for all its tests."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

HTML = Path(__file__).parents[2] / "book/_build/html"
PAGES = {*HTML.glob("*.html"), *HTML.glob("_modules/**/*.html")}
PAGES = sorted(PAGES - {HTML / "index.html"})  # it only sends the reader on

UNFOLD_AND_TYPESET = """() => {
    for (const box of document.querySelectorAll(".toggle-hidden"))
        box.classList.remove("toggle-hidden");
    for (const box of document.querySelectorAll("details")) box.open = true;
    return window.MathJax?.startup.promise.then(() => null);
}"""


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("the browser is absent: apt install chromium")
    if not PAGES:
        pytest.fail("there is no book to look at: make book")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """Open pages as a new reader, without a network."""
    context = browser.new_context(offline=True, reduced_motion="reduce")
    yield lambda name, query="": open_page(context, HTML / name, query)
    context.close()


@pytest.fixture
def pages_with(visit):
    """Open every page that has such an element, with everything unfolded."""

    def opened(element):
        pages = [
            visit(path.name) for path in PAGES if element in path.read_text("utf-8")
        ]
        for page in pages:
            page.evaluate(UNFOLD_AND_TYPESET)
        return pages

    return opened


@pytest.fixture
def visit_without_scripts(browser):
    """Open pages in a browser that runs no script."""
    context = browser.new_context(offline=True, java_script_enabled=False)
    yield lambda name: open_page(context, HTML / name)
    context.close()


@pytest.fixture(
    scope="module", params=PAGES, ids=lambda path: str(path.relative_to(HTML))
)
def opened(browser, request):
    context = browser.new_context(offline=True, reduced_motion="reduce")
    page = open_page(context, request.param)
    page.evaluate(UNFOLD_AND_TYPESET)
    yield page
    context.close()


@pytest.fixture
def page(opened):
    opened.set_viewport_size({"width": 1280, "height": 900})
    opened.emulate_media(color_scheme="light")
    return opened


def open_page(context, path, query=""):
    """Open a page that lists its complaints."""
    page = context.new_page()
    page.complaints = []
    complain = page.complaints.append
    page.on("console", lambda m: m.type == "error" and complain(m.text))
    page.on("pageerror", lambda error: complain(str(error)))
    page.on("requestfailed", lambda r: given_up(r) or complain(f"{r.url} {r.failure}"))
    page.on("request", lambda r: is_local(r.url) or complain(f"{r.url} is not local"))
    page.goto(path.as_uri() + query)
    return page


def given_up(request):
    """Whether the browser left the page before the answer, an icon's most often."""
    return request.failure == "net::ERR_ABORTED"


def is_local(url):
    return url.startswith(("file:", "data:", "blob:"))
