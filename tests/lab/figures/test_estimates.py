"""Estimates are drawn with their bands, dots and formulas."""

import numpy as np

from gradmask.lab.figures import estimates as draw
from gradmask.lab.reports.stats import Course, Interval


def test_estimates_draw_the_means_and_the_truth():
    ways = {
        "plugged in": [Interval(0.7, 0.6, 0.8), Interval(0.6, 0.5, 0.7)],
        "corrected": [Interval(0.5, 0.3, 0.7), Interval(0.4, 0.3, 0.5)],
    }
    (ax,) = draw.estimates([4, 8], ways, 0.5).axes
    above, below, truth = ax.lines
    assert np.allclose(above.get_ydata(), [0.7, 0.6])
    assert np.allclose(below.get_ydata(), [0.5, 0.4])
    assert list(truth.get_ydata()) == [0.5, 0.5]


def test_the_jackknife_has_a_line_and_dots_for_every_number_of_samples():
    found = [Interval(1.5, 1.4, 1.6), Interval(1.0, 0.9, 1.1)]
    ratios, predicted = {8: found}, {8: [1.5, 1.2, 1.0]}
    (ax,) = draw.jackknife([0, 1], ratios, [0, 0.5, 1], predicted).axes
    line, dots, *_, one = ax.lines
    assert list(line.get_ydata()) == predicted[8]
    assert list(dots.get_ydata()) == [1.5, 1.0]
    assert set(one.get_ydata()) == {1}


def test_samples_needed_has_two_lines_and_dots_for_every_number_of_directions():
    needed, alone, dots = {5: [90, 30]}, {5: [20, 6]}, {5: [(0.1, 60), (0.2, 25)]}
    (ax,) = draw.samples_needed([0.1, 0.3], needed, alone, dots).axes
    whole, part, points = ax.lines
    assert list(whole.get_ydata()) == needed[5]
    assert list(part.get_ydata()) == alone[5]
    assert part.get_linestyle() == "--"
    assert np.allclose(points.get_xydata(), dots[5])
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_one_step_draws_what_is_predicted_and_what_was_measured():
    predicted = Course([1, 4], [Interval(0.25, 0.0, 0.5), Interval(0.5, 0.1, 0.8)])
    (ax,) = draw.one_step([1, 4], [Interval(0.2, 0.1, 0.3)] * 2, predicted).axes
    n, share = ax.lines[0].get_data()
    assert list(n) == [1, 4]
    assert np.allclose(share, [0.25, 0.5])
    assert np.allclose(ax.containers[0].lines[0].get_ydata(), 0.2)


def test_kept_by_energy_draws_both_shares():
    bins = {"energy": [-1, 1], "kept": [0, 1], "predicted": [0.3, 0.7]}
    (ax,) = draw.kept_by_energy({"noise": bins}).axes
    formula, measured = ax.lines
    assert np.allclose(measured.get_data(), [[-1, 1], [0, 1]])
    assert np.allclose(formula.get_data(), [[-1, 1], [0.3, 0.7]])


def test_growth_has_quality_above_and_gain_below():
    points = [
        {"x": x, "measured": Interval(x, x, x), "predicted": 2 * x, "gain": 3 * x}
        for x in (1.0, 2.0)
    ]
    above, below = draw.growth({"sigma": points}).axes
    assert list(above.lines[0].get_ydata()) == [2, 4]
    assert list(below.lines[0].get_ydata()) == [3, 6]
