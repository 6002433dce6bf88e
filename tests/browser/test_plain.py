"""The plain copies number and cite as the built pages do."""

import html
import re

import labels
import pytest
from support.notebooks import BOOK, NOTEBOOKS

HTML = BOOK / "_build/html"


@pytest.fixture(scope="module")
def book():
    if not any(HTML.glob("*.html")):
        pytest.fail("there is no book to look at: make book")
    return labels.read(BOOK)


@pytest.mark.parametrize("page", [path.stem for path in NOTEBOOKS])
def test_a_number_is_that_of_the_page(page, book):
    shown = re.findall(
        r'caption-number">(.*?) ?</span>', (HTML / f"{page}.html").read_text("utf-8")
    )
    places = [place.name for place in book.places.values() if place.page == page]
    numbered = [name for name in places if re.search(r" [\d.]+$", name)]
    assert sorted(numbered) == sorted(shown)


def test_a_work_is_cited_as_in_the_book(book):
    pages = [(HTML / f"{path.stem}.html").read_text("utf-8") for path in NOTEBOOKS]
    cited = re.findall(r"bibliography\.html#id\d[^>]*>(.*?)</a>", "".join(pages))
    shown = {html.unescape(re.sub("</?em>", "", work)) for work in cited}
    ours = {", ".join(labels.work(key, book)) for key in book.literature}
    assert len(shown) > 30
    assert {work.replace("\xa0", " ") for work in shown if "," in work} <= ours
