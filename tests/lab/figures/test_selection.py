"""Densities, a chance, and what comes of both."""

import numpy as np
import pytest

from gradmask.lab.figures.selection import more_channels


def test_densities_are_drawn_on_the_scale_of_the_chance():
    energy = np.linspace(0, 1, 5)
    densities = {"P0": [0, 1, 2, 1, 0], "P2": [0, 0, 1, 4, 1]}
    left, right = more_channels(energy, densities, energy, {"P0": 0.5, "P2": 0.7}).axes
    drawn = {line.get_label(): line.get_ydata() for line in left.lines}
    assert drawn["P2"] == pytest.approx([0, 0, 0.25, 1, 0.25])
    assert drawn["P0"] == pytest.approx([0, 0.25, 0.5, 0.25, 0])
    assert drawn["chance of being kept"] == pytest.approx(energy)
    assert [bar.get_height() for bar in right.patches] == [0.5, 0.7]
    assert [label.get_text() for label in right.get_xticklabels()] == ["P0", "P2"]
