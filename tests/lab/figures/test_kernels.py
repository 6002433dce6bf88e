"""Kernels and their responses are drawn as they are handed."""

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from gradmask.lab.figures import kernels as draw
from gradmask.lab.figures.style import use_style


def seeded():
    return torch.Generator().manual_seed(0)


def profiles():
    log, dog = torch.randn(2, 21, 21, generator=seeded())
    return draw.profiles(log, dog, 2.8)


def balance():
    field, one, two = torch.randn(3, 9, 9, generator=seeded())
    return draw.balance(field, {"a": one, "b": two})


@pytest.mark.parametrize("picture", [balance, profiles])
def test_pictures_are_drawn_twice_alike(picture):
    def pixels() -> np.ndarray:
        canvas = FigureCanvasAgg(picture())
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())

    with mpl.rc_context():
        use_style()
        assert np.array_equal(pixels(), pixels())


def test_profiles_cut_the_kernels_through_the_middle():
    log, dog = torch.randn(2, 21, 21, generator=seeded())
    cut = draw.profiles(log, dog, 2.8).axes[2]
    first, second = cut.lines[1:3]
    assert np.allclose(first.get_ydata(), log[10])
    assert np.allclose(second.get_ydata(), dog[10])
    assert list(first.get_xdata()) == list(range(-10, 11))
    assert [line.get_xdata()[0] for line in cut.lines[3:]] == [-2.8, 2.8]


def test_balance_keeps_where_the_response_is_positive():
    response = torch.tensor([[1.0, -1.0], [-2.0, -3.0]])
    _, first, second, _ = draw.balance(torch.ones(2, 2), {"name": response}).axes
    assert np.allclose(first.images[0].get_array(), response)
    assert np.allclose(second.images[0].get_array(), response > 0)
    assert "25% kept" in (second.get_title("left") or second.get_title())


def test_a_staircase_is_shown_beside_what_is_seen():
    light, seen = torch.rand(2, 4, 9, generator=seeded())
    picture, profile = draw.mach_bands(light, seen).axes
    assert np.allclose(picture.images[0].get_array(), light)
    inhibited, plain = profile.lines
    assert np.allclose(inhibited.get_ydata(), seen[2])
    assert np.allclose(plain.get_ydata(), light[2])


def test_scales_have_a_curve_for_every_disc():
    curve = {"scale": [0.5, 1, 2], "unit": [1, 3, 2], "normalised": [0.5, 1, 0.1]}
    unit, normalised = draw.scales({2: curve, 4: curve}).axes
    assert list(unit.lines[1].get_ydata()) == [1, 3, 2]
    assert list(normalised.lines[0].get_ydata()) == [0.5, 1, 0.1]
    assert unit.lines[0].get_label() == "radius 2"


def test_discs_stand_beside_their_responses():
    disc, response = torch.randn(2, 9, 9, generator=seeded())
    first, second, _ = draw.hollow({3: (disc, response)}).axes
    assert np.allclose(first.images[0].get_array(), disc)
    assert np.allclose(second.images[0].get_array(), response)
