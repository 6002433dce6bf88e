"""A dot for every seed."""

import pytest

from gradmask.lab.figures.seeds import seed_by_seed


def test_every_seed_has_a_dot_in_points():
    panels = {"one": {"a": [0.1, -0.2], "b": [0.3, 0.4]}, "two": {"a": [0.0], "b": []}}
    figure = seed_by_seed(panels, "points")
    dots = [
        [[float(x) for x in line.get_xdata()] for line in ax.lines[:2]]
        for ax in figure.axes
    ]
    assert dots[0] == [pytest.approx([10, -20]), pytest.approx([30, 40])]
    assert dots[1] == [[0.0], []]
    assert figure.axes[0].get_ylim() == (1.6, -0.6)
