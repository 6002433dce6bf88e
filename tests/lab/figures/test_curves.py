"""Curves are drawn over what they are handed, with their bands."""

import numpy as np
import torch

from gradmask.lab.figures import curves as draw
from gradmask.lab.figures.style import COMPARED, MAPS
from gradmask.lab.measures.saliency.maps import MAPS as MEASURED
from gradmask.lab.reports.layers import LayerGain
from gradmask.lab.reports.stats import Course, Interval

COURSE = Course([3, 9], [Interval(0.5, 0.4, 0.7), Interval(0.6, 0.5, 0.65)])


def band_of(ax, index=0):
    """Corners of a band, rounded."""
    (path,) = ax.collections[index].get_paths()
    return {tuple(corner) for corner in path.vertices.round(9)}


def test_schedules_draw_every_length_of_training_in_its_order():
    styles = {"plain": COMPARED["plain"], "theory": COMPARED["mask"]}
    series = {"plain": COURSE, "theory": COURSE}
    (ax,) = draw.over_epochs({"accuracy": series}, styles).axes
    mean, low, high = 100 * np.array(COURSE.y).T
    for index, (name, line) in enumerate(zip(styles, ax.lines, strict=True)):
        assert line.get_label() == name
        assert np.array_equal(line.get_xdata(), [3, 9])
        assert np.allclose(line.get_ydata(), mean)
        for edge in (low, high):
            corners = set(zip([3.0, 9.0], edge.round(9), strict=True))
            assert corners <= band_of(ax, index)


def test_bands_have_a_panel_for_each_group_and_the_styles_of_their_series():
    panels = {"one": {"mask": COURSE, "random": COURSE}, "two": {"mask": COURSE}}
    left, right = draw.bands(panels, "level", "%").axes
    assert [line.get_label() for line in left.lines] == ["mask", "random"]
    assert left.lines[1].get_color() == COMPARED["random"].colour
    assert len(right.lines) == 1


def test_panels_may_have_levels_of_their_own():
    panels = {"one": {"mask": COURSE}, "two": {"mask": COURSE._replace(x=[0, 90])}}
    left, right = draw.bands(panels, ["strength", "sparsity"], "%").axes
    assert (left.get_xlabel(), right.get_xlabel()) == ("strength", "sparsity")
    assert left.get_xlim()[1] < 10 < 90 < right.get_xlim()[1]


def test_overlap_is_drawn_as_it_is():
    (ax,) = draw.overlap({"vgg": {"lateral": COURSE}}).axes
    assert np.allclose(ax.lines[0].get_ydata(), [0.5, 0.6])


def test_contrasts_have_a_line_for_each_side_and_a_row_for_each_energy():
    sides = {32: COURSE, 8: COURSE}
    kinds = {"error": {"max": sides}, "contribution": {"max": sides}}
    axes = draw.contrasts(kinds).axes
    assert [ax.get_ylabel() for ax in axes] == [f"contrast of {kind}" for kind in kinds]
    assert np.allclose(axes[0].lines[0].get_ydata(), [0.5, 0.6])
    assert (9.0, 0.65) in band_of(axes[0])


def test_layers_stand_in_the_window_hollow_before_training():
    layers = [LayerGain(0, 32, 2.0, 0.5), LayerGain(4, 8, 3.0, 1.5)]
    (ax,) = draw.window([1, 2], [9, 8], [0.9, 1.1], layers).axes
    bound, gain, *dots, one = ax.lines
    assert list(bound.get_ydata()) == [9, 8]
    assert list(gain.get_ydata()) == [0.9, 1.1]
    assert [(d.get_xdata()[0], d.get_ydata()[0]) for d in dots] == [(2, 0.5), (3, 1.5)]
    assert [d.get_markerfacecolor() == "white" for d in dots] == [True, False]
    assert set(one.get_ydata()) == {1}


def test_every_map_has_a_style():
    assert MAPS.keys() == MEASURED.keys()
    assert len(set(MAPS.values())) == len(MAPS)


def test_survival_begins_at_one_and_is_a_mean_over_images():
    curves = {
        "lateral": {"8": torch.tensor([0.4, 0.6]), "1.0": torch.tensor([0.1, 0.3])}
    }
    (ax,) = draw.survivals(curves).axes
    assert np.allclose(ax.lines[0].get_ydata(), [1, 0.5, 0.2])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["none", "8", "1.0"]


def test_transitions_are_means_over_images():
    curve = torch.tensor([[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]])
    (ax,) = draw.transitions({"insertion": {"centre": curve}}).axes
    x, y = ax.lines[0].get_data()
    assert np.allclose(x, [0, 50, 100])
    assert np.allclose(y, 0.5)
