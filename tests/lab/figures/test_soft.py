"""Hard and soft masks are drawn as they are."""

import numpy as np
import pytest

from gradmask.lab.figures import soft as draw
from gradmask.lab.reports.stats import Course, Interval

RNG = np.random.default_rng(0)


def test_a_hard_and_a_soft_mask_stand_next_to_each_other():
    support = np.zeros((9, 9), dtype=bool)
    support[3:6, 3:6] = True
    response = RNG.normal(size=(9, 9))
    maps = response, response > 0, np.exp(response)
    axes = draw.bits_and_weights(support, *maps).axes
    for ax, field in zip(axes, maps, strict=False):
        assert np.allclose(ax.images[0].get_array(), field)
    assert axes[0].images[0].get_clim()[0] == -axes[0].images[0].get_clim()[1]


def test_densities_and_weights_share_the_response():
    x = np.linspace(-1, 1, 5)
    figure = draw.evidence(x, {"on": x**2, "off": 1 - x**2}, {"soft": np.exp(x)})
    left, right = figure.axes
    assert [line.get_label() for line in left.lines] == ["on", "off"]
    assert np.allclose(left.lines[0].get_ydata(), x**2)
    assert np.allclose(right.lines[0].get_xydata(), np.stack([x, np.exp(x)], 1))


def test_a_descent_is_drawn_with_the_critical_strength():
    course = Course([0, 1], [Interval(1.0, 0.9, 1.1), Interval(0.5, 0.4, 0.6)])
    (ax,) = draw.descents({"no mask": course, "hard": course}, 0.2).axes
    *lines, critical = ax.lines
    assert [line.get_label() for line in lines] == ["no mask", "hard"]
    assert list(lines[0].get_ydata()) == pytest.approx([1.0, 0.5])
    assert set(critical.get_ydata()) == {0.2}
    assert ax.get_yscale() == "log"
