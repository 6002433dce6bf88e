"""The gain plane shows what theory computes."""

import numpy as np
import pytest
import torch

import gradmask as gm
from gradmask.lab.figures import planes as draw
from gradmask.lab.figures import style
from gradmask.lab.reports.layers import LayerRates
from gradmask.lab.simulation.planes import gain_plane


def test_the_plane_draws_the_contours_of_the_gain():
    figure, ax = style.subplots(1)
    draw.gain_plane(ax, gain_plane(0.2, detectors=(1.0,)))
    contours = ax.collections[0]
    assert max(contours.levels) < 1 / 0.2
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        q, p = path.vertices[path.vertices[:, 1] > 0.05].T
        assert gm.theory.snr_gain(torch.tensor(p), torch.tensor(q), 0.2).numpy() == (
            pytest.approx(level, rel=0.02)
        )
    random, detector = ax.lines
    assert np.array_equal(*random.get_data())
    q, p = (torch.as_tensor(np.asarray(data)) for data in detector.get_data())
    torch.testing.assert_close(
        torch.special.ndtri(p) - torch.special.ndtri(q), torch.ones_like(p)
    )
    style.done(figure)


def test_masks_lie_where_their_rates_say():
    (ax,) = draw.masks_on_planes([gain_plane(0.1)], [{"a": (0.3, 0.8)}]).axes
    assert [list(line.get_data()) for line in ax.lines][-1] == [[0.3], [0.8]]


def test_layers_lie_where_their_rates_say_in_the_colour_of_their_size():
    layers = [LayerRates(4, 32, 0.3, 0.8), LayerRates(4, 8, 0.2, 0.9)]
    figure = draw.layers_on_plane(gain_plane(0.1, (1.0,)), {"error": layers})
    (ax,) = figure.axes
    first, second, legend = ax.lines[2:]
    assert [list(line.get_data()) for line in (first, second)] == [
        [[0.3], [0.8]],
        [[0.2], [0.9]],
    ]
    assert [line.get_color() for line in (first, second)] == [
        style.SIDES[side].colour for side in (32, 8)
    ]
    assert legend.get_label() == "error"
    assert len({line.get_marker() for line in (first, second, legend)}) == 1
