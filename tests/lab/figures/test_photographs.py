"""Photographs are drawn with their maps and the classes of a network."""

import numpy as np
import pytest

from gradmask.lab.figures.photographs import TITLES, looks, overlaid, scores
from gradmask.lab.measures.saliency.looking import EXPLAINING, Look


def seen(side=8, seed=0):
    rng = np.random.default_rng(seed)
    return Look(
        rng.random((3, side, side)),
        (("espresso", 0.94), ("cup", 0.05)),
        {name: rng.random((side, side)) for name in EXPLAINING},
    )


def test_every_photograph_stands_with_its_maps_and_classes():
    two = [seen(seed=0), seen(seed=1)]
    figure = looks(two)
    axes = np.array(figure.axes).reshape(2, 7)
    for line, one in zip(axes, two, strict=True):
        titles = [ax.get_title(loc="left") or ax.get_title() for ax in line]
        assert titles[1:-1] == list(TITLES.values())
        assert np.allclose(line[0].images[0].get_array(), one.image.transpose(1, 2, 0))
        for ax, field in zip(line[1:-1], one.maps.values(), strict=True):
            assert np.allclose(ax.images[0].get_array(), overlaid(one.image, field))
        assert [text.get_text() for text in line[-1].texts] == [
            "espresso 94.0%",
            "cup 5.0%",
        ]
        widths = [bar.get_width() for bar in line[-1].patches]
        assert widths == pytest.approx([0.94, 0.05])


def test_a_photograph_is_dim_where_nothing_is_salient_and_hidden_where_all_is():
    image = np.random.default_rng(0).random((3, 20, 20))
    field = np.zeros((20, 20))
    field[:10] = 1
    drawn = overlaid(image, field)
    expected = 0.6 * image.mean(0)[10:, :, None]
    assert np.allclose(drawn[10:], np.broadcast_to(expected, (10, 20, 3)))
    assert np.allclose(drawn[:10], drawn[0, 0])
    assert np.allclose(overlaid(image, 0 * field), 0.6 * image.mean(0)[..., None])
    assert ((drawn >= 0) & (drawn <= 1)).all()


def test_a_single_bright_pixel_does_not_put_out_the_others():
    field = np.ones((20, 20))
    field[0, 0] = 1000
    image = np.zeros((3, 20, 20))
    assert np.allclose(overlaid(image, field)[5, 5], overlaid(image, field)[0, 0])
    field[1:] = 0
    field[0, 1:] = 0
    assert overlaid(image, field)[0, 0].max() > 0.9


def test_scores_show_every_photograph_and_the_mean():
    values = {"lateral": {"coffee": 0.2, "rocket": 0.6}, "centre": {"coffee": 0.4}}
    figure = scores({"IoU": values, "pointing": values}, "share")
    for ax, title in zip(figure.axes, ("IoU", "pointing"), strict=True):
        assert ax.get_title() == title
        drawn = [tuple(line.get_xdata()) for line in ax.lines]
        assert drawn == [(0.2,), (0.6,), (0.4, 0.4), (0.4,), (0.4, 0.4)]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["lateral saliency", "centre"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.texts] == ["coffee", "rocket"]
