"""The gallery of photographs holds its pictures, and says what they show."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image
from support.browsing import browse

from gradmask.lab.figures.gallery import ORANGE, Exhibit, Gallery, MapSwitch, brightest
from gradmask.lab.figures.photographs import TITLES, overlaid
from gradmask.lab.measures.saliency.looking import EXPLAINING, Look

SIDE = 64


def exhibit(shows="a cup <of tea>"):
    rng = np.random.default_rng(0)
    maps = {name: np.zeros((SIDE, SIDE)) for name in EXPLAINING}
    for index, field in enumerate(maps.values()):
        field[:20, 12 * index : 12 * index + 12] = 1
    image = np.tile(rng.random((3, 8, 1)).repeat(8, 1), (1, 1, SIDE))
    seen = Look(image, (("teapot", 0.94), ("cup", 0.01)), maps)
    return Exhibit(shows, "A cup of tea & a spoon.", seen, (8, 16, 48, 56))


def decoded(uri):
    kind, data = re.fullmatch(r"data:image/(\w+);base64,(.+)", uri).groups()
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert picture.format == kind.upper()
        return np.asarray(picture.convert("RGB")) / 255


def images(page):
    """Sources and alternative texts of the pictures of a page."""
    tags = re.findall(r"<img[^>]*>", page)
    return [
        (re.search(r'src="(.+?)"', tag)[1], re.search(r'alt="(.+?)"', tag)[1])
        for tag in tags
    ]


def test_the_gallery_shows_every_photograph_and_its_maps():
    page = Gallery([exhibit(), exhibit("a tree")])._repr_html_()
    found = images(page)
    assert len(found) == 2 * 6
    assert page.count("<figcaption>") == 2
    assert "A cup &lt;of tea&gt;: the network says <strong>teapot</strong>, 94%" in page
    for name, title in TITLES.items():
        assert page.count(f"<span>{title}</span>") == 2, name
    pictures = [decoded(uri) for uri, _ in found]
    assert {picture.shape for picture in pictures} == {(256, 256, 3)}


def test_a_picture_is_the_map_over_its_photograph_with_the_box():
    one = exhibit()
    (_, photograph), (uri, lateral), *_ = images(Gallery([one])._repr_html_())
    assert photograph == "A cup of tea &amp; a spoon."
    assert lateral == (
        "Lateral saliency of “teapot” over the photograph of a cup &lt;of tea&gt;: "
        "brightest in the upper left, 7% of it within the object&#x27;s box."
    )
    expected = overlaid(one.seen.image, one.seen.maps["lateral"])
    picture = decoded(uri)
    assert np.abs(picture[2::4, 2::4] - expected)[20:30, 20:].mean() < 0.06
    frame = picture[65, 40:180]
    assert np.abs(frame - ORANGE).max() < 0.25


def test_a_photograph_without_a_box_has_none_drawn_and_none_described():
    one = exhibit()._replace(box=None)
    for (uri, text), name in zip(
        images(Gallery([one])._repr_html_()), ["photograph", *TITLES], strict=True
    ):
        assert "box" not in text
        distance = np.abs(decoded(uri) - ORANGE).max(axis=2)
        assert name != "photograph" or distance.min() > 0.05


def test_three_maps_stand_with_their_photograph_in_one_row():
    one = exhibit()
    three = {name: one.seen.maps[name] for name in EXPLAINING[:3]}
    pages = [
        Gallery([one._replace(seen=one.seen._replace(maps=maps))])._repr_html_()
        for maps in (three, one.seen.maps)
    ]
    found = [re.findall(r"--columns: (\d)", page) for page in pages]
    assert found == [["4"], ["3"]]


def test_the_photograph_may_be_larger_than_its_maps():
    small = exhibit()
    seen = small.seen._replace(image=small.seen.image.repeat(2, 1).repeat(2, 2))
    large = small._replace(seen=seen, box=tuple(2 * end for end in small.box))
    ours, theirs = (images(Gallery([one])._repr_html_()) for one in (small, large))
    assert [alt for _, alt in ours] == [alt for _, alt in theirs]
    for (one, _), (other, _) in zip(ours, theirs, strict=True):
        assert np.abs(decoded(one) - decoded(other)).mean() < 0.03


@pytest.mark.parametrize(
    ("row", "column", "where"),
    [
        (4, 4, "the middle"),
        (0, 8, "the upper right"),
        (8, 4, "the lower half"),
        (4, 0, "the left"),
    ],
)
def test_the_brightest_ninth_is_named(row, column, where):
    field = np.full((9, 9), 0.1)
    field[row, column] = 1
    assert brightest(field) == where


@pytest.mark.parametrize("kind", [Gallery, MapSwitch])
def test_a_page_needs_nothing_from_elsewhere(kind):
    page = kind([exhibit()] if kind is Gallery else exhibit())._repr_html_()
    assert not re.search(r"https?://|<link|\bsrc=\"(?!data:)|\bimport\b", page)
    assert "{{" not in page


def test_where_scripts_are_off_the_first_map_stands_still():
    page = MapSwitch(exhibit())._repr_html_()
    (still,) = re.findall(r"<noscript>(.+?)</noscript>", page)
    ((uri, alt),) = images(still)
    assert decoded(uri).shape == (448, 448, 3)
    assert alt.startswith("Lateral saliency of “teapot”")


def test_the_map_follows_the_pointer_and_the_chosen_one_comes_back(tmp_path):
    moved = """<pre id="out"></pre><script>
      const root = document.getElementById("map-switch"), said = [];
      const stack = root.querySelector(".stack");
      const shown = () => [...root.querySelectorAll("img[data-map]")]
        .filter((picture) => !picture.hidden).map((picture) => picture.dataset.map);
      const checked = () => root.querySelector("input:checked").value;
      const at = (share, kind, pointerType = "mouse") => {
        const { left, width } = stack.getBoundingClientRect();
        stack.dispatchEvent(new PointerEvent(kind,
          { clientX: left + share * width, pointerType }));
        said.push([...shown(), checked()]);
      };
      said.push([...shown(), checked()]);
      for (const share of [0.01, 0.45, 0.99]) at(share, "pointermove");
      at(0.5, "pointerleave");
      const option = root.querySelector("input[value=gradient]");
      option.checked = true;
      option.dispatchEvent(new Event("change"));
      said.push([...shown(), checked()]);
      at(0.99, "pointerdown", "touch");
      at(0.99, "pointerleave", "touch");
      document.getElementById("out").textContent = JSON.stringify(said);
    </script>"""
    page = browse(MapSwitch(exhibit())._repr_html_() + moved, tmp_path)
    said = json.loads(re.search(r'<pre id="out">(.+?)</pre>', page)[1])
    expected = ["lateral", "photograph", "gradient", "grad-cam++"]
    expected += ["lateral", "gradient", "grad-cam++", "grad-cam++"]
    assert said == [[name, name] for name in expected]
