"""Clouds of gradients are drawn on one scale, with their means."""

import numpy as np
import pytest

from gradmask.lab.figures.gradients import clouds


def test_clouds_share_a_scale_and_show_their_means():
    small, large = np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([[-4.0, 0.0]] * 3)
    first, second = clouds({"small": small, "large": large}).axes
    assert np.allclose(first.lines[0].get_xydata(), small)
    assert first.texts[0].xy == pytest.approx([1, 1])
    assert second.texts[0].xy == pytest.approx([-4, 0])
    assert first.get_xlim() == second.get_xlim() == second.get_ylim()
    assert first.get_xlim()[1] > 4
    titles = [ax.get_title("left") or ax.get_title() for ax in (first, second)]
    assert titles == ["small", "large"]
