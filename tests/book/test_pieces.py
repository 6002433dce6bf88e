"""Pieces of a picture on a telephone: their size, and where they are cut out."""

import re

import pieces
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmask.lab.figures.pieces import LINES, PIECES


@given(st.integers(1, 2_000))
def test_letters_can_be_read_and_what_fits_is_as_large_as_it_fits(widest):
    scale = pieces.chosen(widest)
    assert pieces.SMALLEST <= scale <= pieces.LARGEST
    most = pieces.SHOWN // (pieces.SMALLEST * widest)
    assert most * scale * widest <= pieces.SHOWN + 1e-9


@pytest.mark.parametrize(
    ("widest", "scale"), [(380, 17 / 38), (600, 0.5), (800, 0.425), (1_700, 0.35)]
)
def test_as_many_as_can_be_read_fill_a_line(widest, scale):
    assert pieces.chosen(widest) == pytest.approx(scale)


def test_a_piece_is_cut_out_of_the_picture_at_its_scale():
    shown = pieces.html(
        [[[0, 10, 200, 90], [400, 10, 600, 90]]], 1_000, "_images/a.png"
    )
    assert "url(_images/a.png); --wide: 425.0px" in shown
    cut = re.findall(r'<i style="(.*?)"', shown)
    assert cut == [
        "width: 85.0px; height: 38.2px; background-position: -0.0px -4.2px",
        "width: 255.0px; height: 38.2px; background-position: -170.0px -4.2px",
    ]


def test_the_book_reads_what_figures_write():
    assert (pieces.PIECES, pieces.LINES) == (PIECES, LINES)
