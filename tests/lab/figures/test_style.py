"""The figures draw what they are given; their looks are for eyes to judge."""

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from gradmask.lab.figures import diagrams, style


def test_a_map_is_drawn_as_it_is_and_a_signed_one_about_zero():
    figure, ax = style.subplots(1)
    field = torch.tensor([[0.0, -3.0], [1.0, 2.0]])
    style.show_map(ax, field, "title", signed=True)
    (image,) = ax.images
    assert np.array_equal(image.get_array(), field)
    assert image.get_clim() == (-3, 3)
    style.done(figure)


def test_an_outline_follows_its_map_to_another_side():
    figure, (whole, half) = style.subplots(2)
    mask = np.zeros((8, 8), dtype=bool)
    mask[2:6, 2:6] = True
    for ax, side in ((whole, None), (half, 4)):
        style.outline(ax, mask, side)
        (path,) = ax.collections[0].get_paths()
        low, high = path.vertices.min(), path.vertices.max()
        scale = 1 if side is None else side / 8
        # The object's pixels lie between 1.5 and 5.5.
        assert np.allclose([low, high], np.array([2, 6]) * scale - 0.5)
    style.done(figure)


def test_a_frame_goes_around_its_pixels():
    figure, ax = style.subplots(1)
    style.frame(ax, torch.tensor([2, 3, 5, 7]), "red")
    assert ax.patches[0].get_bbox().bounds == (1.5, 2.5, 3, 4)
    style.done(figure)


@pytest.mark.parametrize("name", diagrams.__all__)
def test_a_picture_is_drawn_twice_alike(name):
    def pixels() -> np.ndarray:
        canvas = FigureCanvasAgg(getattr(diagrams, name)())
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())

    with mpl.rc_context():
        style.use_style()
        assert np.array_equal(pixels(), pixels())
