"""The reader's choice decides which of the figures is seen."""

import base64
import io
import json
import re
from itertools import product

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from support.browsing import browse

from gradmask.lab.figures.choices import Choices

SIGMAS, KERNELS = (0.5, 2, 11), ("whole", "cut <5x5>")


def draw(sigma, kernel):
    figure = Figure(figsize=(9, 1))
    figure.text(0.5, 0.5, f"{sigma}", color="black" if kernel == "whole" else "red")
    return figure, f"{kernel} at {sigma}."


@pytest.fixture(scope="module")
def page():
    questions = {"sigma": SIGMAS, "kernel": KERNELS}
    first = (2, "cut <5x5>")
    return Choices("some", questions, draw, "A number.", first)._repr_html_()


def test_every_setting_has_a_figure_and_says_which(page):
    found = re.findall(r'<figure data-at="(.+?)".*?alt="(.+?)">(.+?)</figure>', page)
    for (at, alt, text), (i, j) in zip(found, product(range(3), range(2)), strict=True):
        kernel = KERNELS[j].replace("<", "&lt;").replace(">", "&gt;")
        assert at == f"{i} {j}"
        assert alt == f"A number. sigma: {SIGMAS[i]:g}; kernel: {kernel}."
        assert text == f"<figcaption>{kernel} at {SIGMAS[i]}.</figcaption>"


def test_a_figure_is_as_wide_as_a_telephone_and_kept_pixel_by_pixel(page):
    found = re.findall(r'src="data:image/webp;base64,(.+?)"', page)
    for data, setting in zip(found, product(SIGMAS, KERNELS), strict=True):
        figure, _ = draw(*setting)
        figure.set_figwidth(4.6)
        expected = io.BytesIO()
        figure.savefig(expected, format="png", dpi=220)
        image, expected = (
            np.asarray(Image.open(picture).convert("RGB"))
            for picture in (io.BytesIO(base64.b64decode(data)), expected)
        )
        assert np.array_equal(image, expected)


def test_where_scripts_are_off_the_first_setting_stands_still(page):
    still = re.findall(r'<figure data-at="([^"]+)">', page)
    assert still == ["1 1"]
    assert "<form hidden>" in page


def test_the_first_answers_are_the_first_setting_unless_another_is_named():
    page = Choices("some", {"kernel": KERNELS}, lambda k: draw(1, k), "A")._repr_html_()
    assert re.findall(r'<figure data-at="([^"]+)">', page) == ["0"]


def test_a_page_needs_nothing_from_elsewhere(page):
    assert not re.search(r"https?://|<link|\bsrc=\"(?!data:)|\bimport\b", page)
    assert "{{" not in page


def test_numbers_have_a_slider_and_words_a_list_and_both_choose(page, tmp_path):
    moved = """<pre id="out"></pre><script>
      const root = document.getElementById("some"), said = [];
      const say = () => said.push([
        [...root.querySelectorAll("figure")].filter((f) => f.checkVisibility())
          .map((f) => f.textContent).join(),
        root.querySelector("output").textContent,
        root.querySelector("[type=range]").getAttribute("aria-valuetext")]);
      const change = (control, key, value) => {
        control[key] = value;
        control.dispatchEvent(new Event("input", { bubbles: true }));
        say();
      };
      say();
      change(root.querySelector("[type=range]"), "value", 2);
      change(root.querySelector("[type=radio]"), "checked", true);
      change(root.querySelector("[type=range]"), "value", 0);
      document.getElementById("out").textContent = JSON.stringify(said);
    </script>"""
    seen = browse(page + moved, tmp_path)
    said = json.loads(
        re.search(r'<pre id="out">(.+?)</pre>', seen)[1]
        .replace("&lt;", "<")
        .replace("&gt;", ">")
    )
    assert said == [
        ["cut <5x5> at 2.", "2", "2"],
        ["cut <5x5> at 11.", "11", "11"],
        ["whole at 11.", "11", "11"],
        ["whole at 0.5.", "0.5", "0.5"],
    ]
