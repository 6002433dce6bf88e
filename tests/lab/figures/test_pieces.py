"""Pictures say where they may be cut, and nothing of a panel is lost."""

import json
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from gradmask.lab.figures.pieces import PIECES, Piece, of_lines, printed
from gradmask.lab.figures.style import (
    legend_outside,
    show_map,
    signed_bar,
    subplots,
    use_style,
)


@pytest.fixture(autouse=True)
def _style():
    with plt.rc_context():
        use_style()
        yield
        plt.close("all")


def read(figure):
    """A figure's picture (H, W, 3), its pieces, and its size on a page."""
    png, size = printed(figure)
    picture = Image.open(BytesIO(png))
    rows = json.loads(picture.info[PIECES])
    cut = [[Piece(*piece) for piece in row] for row in rows]
    return np.asarray(picture.convert("RGB")), cut, size


def within(picture, piece):
    left, top, width, height = piece
    return picture[max(top, 0) : top + height, max(left, 0) : left + width]


def shows(picture, colour):
    """Whether there are pixels of just this colour."""
    return bool((picture == np.round(255 * np.array(to_rgb(colour)))).all(-1).any())


def test_a_picture_has_twice_the_pixels_of_a_page():
    figure, _ = subplots(2)
    dpi = figure.dpi
    picture, _, size = read(figure)
    assert picture.shape[1] == pytest.approx(2 * size["width"], abs=2)
    assert picture.shape[0] == pytest.approx(2 * size["height"], abs=2)
    assert figure.dpi == dpi


def test_one_panel_is_one_piece():
    figure, _ = subplots(1, rows=2)
    picture, cut, _ = read(figure)
    ((whole,),) = cut
    assert whole[:2] == (0, 0)
    assert np.allclose(whole[2:], picture.shape[1::-1], atol=1)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("columns", [2, 3, 5])
def test_every_column_of_panels_is_a_piece(rows, columns):
    figure, axes = subplots(columns, rows, squeeze=False)
    colours = plt.colormaps["tab10"].colors[:columns]
    for row in axes:
        for ax, colour in zip(row, colours, strict=True):
            ax.set(facecolor=colour, ylabel="of its own")
    picture, cut, _ = read(figure)
    assert [len(row) for row in cut] == [1] * columns
    for (piece,), own in zip(cut, colours, strict=True):
        seen = within(picture, piece)
        assert [colour for colour in colours if shows(seen, colour)] == [own]
    outside = picture.copy()
    for (piece,) in cut:
        within(outside, piece)[:] = 255
    assert (outside == 255).all()


def test_names_of_rows_stand_before_every_panel():
    figure, axes = subplots(3, sharey=True)
    for ax in axes:
        ax.barh(["a long name", "another"], [1, 2])
        ax.set_xticks([0, 1], ["a label", "that leans"], rotation=30, ha="right")
    axes[0].tick_params("y", labelcolor="#ff0000")
    picture, cut, _ = read(figure)
    assert [len(row) for row in cut] == [1, 2, 2]
    assert all(shows(within(picture, row[0]), "#ff0000") for row in cut)
    assert all(row[0].height == row[-1].height for row in cut)
    assert not any(shows(within(picture, row[1]), "#ff0000") for row in cut[1:])


@pytest.mark.parametrize("place", ["outside lower center", "outside upper right"])
def test_every_entry_of_a_legend_is_a_piece(place):
    figure, axes = subplots(2)
    colours = {"one": "#ff0000", "two": "#00ff00", "three": "#0000ff"}
    axes[0].barh(["a name that is long"], [1], color="white")
    for name, colour in colours.items():
        axes[0].plot([0, 1], label=name, color=colour)
    legend_outside(figure, axes[0], place)
    picture, cut, _ = read(figure)
    entries = [row[0] for row in cut if row[0].height < 60]
    assert len(entries) == len(cut) - 2 == 3
    assert (cut[0] == [entries[0]]) == (place == "outside upper right")
    for entry, own in zip(entries, colours.values(), strict=True):
        seen = within(picture, entry)
        assert [c for c in colours.values() if shows(seen, c)] == [own]
    rest = picture.copy()
    for row in cut:
        within(rest, row[0])[:] = 255
    assert (rest == 255).all()


def test_a_title_of_all_panels_comes_first_and_a_label_of_all_last():
    figure, _ = subplots(2)
    figure.suptitle("all of it", color="#ff0000")
    figure.supxlabel("what is drawn", color="#0000ff")
    picture, cut, _ = read(figure)
    assert len(cut) == 4
    assert shows(within(picture, cut[0][0]), "#ff0000")
    assert shows(within(picture, cut[-1][0]), "#0000ff")


def test_a_scale_of_colours_stays_with_its_panel():
    figure, axes = subplots(3)
    for ax in axes:
        show_map(ax, np.eye(3) - 0.5, "", signed=True)
    signed_bar(figure, axes[1], axes[1])
    _, cut, _ = read(figure)
    assert len(cut) == 3


def test_a_map_is_not_of_lines():
    figure, axes = subplots(4)
    drawn = [
        lambda ax: ax.plot([0, 1]),
        lambda ax: ax.fill_between([0, 1], [1, 2]),
        lambda ax: ax.scatter([0, 1], [1, 2]),
        lambda ax: ax.barh(["a"], [1]),
    ]
    for ax, draw in zip(axes, drawn, strict=True):
        draw(ax)
    assert of_lines(figure)
    for draw in (
        lambda ax: ax.imshow(np.eye(2)),
        lambda ax: ax.pcolormesh(np.eye(2)),
        lambda ax: ax.contourf(np.eye(2)),
    ):
        figure, axes = subplots(2)
        draw(axes[1])
        assert not of_lines(figure)
