"""Predictions are drawn beside what was measured."""

import numpy as np
import pytest
import torch

from gradmask.lab.figures import predictions as draw
from gradmask.lab.reports.stats import Interval, binomial_reach
from gradmask.lab.simulation.gradients import disc


def test_kept_shares_are_drawn_with_their_binomial_interval():
    predicted = {0.0: torch.full((9, 9), 0.4)}
    measured = {0.0: torch.full((9, 9), 0.5)}
    reach = {0.0: binomial_reach(measured[0.0], 100)}
    figure = draw.kept_share(predicted, measured, reach, disc(2, 9))
    (bars,) = figure.axes[2].containers
    low, high = bars.lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.5 - 0.098, 0.5 + 0.098))


def test_agreement_draws_ratios():
    points = {"panel": {"series": [(2.0, Interval(3.0, 2.0, 4.0))]}}
    (bars,) = draw.ratios(points).axes[0].containers
    assert bars.lines[0].get_ydata() == pytest.approx([1.5])
    assert bars.lines[2][0].get_segments()[0][:, 1] == pytest.approx([1.0, 2.0])


def test_measurements_stand_against_predictions():
    comparison = draw.Comparison(
        (1, 2),
        {"a": [Interval(1.0, 0.5, 1.5), Interval(2.0, 1.5, 2.5)]},
        {"a": {"theory": [1.1, 2.1]}},
    )
    (ax,) = draw.against({"title": comparison}, "x", log="x", mark=1.5).axes
    theory = next(line for line in ax.lines if line.get_label() == "theory")
    assert list(theory.get_ydata()) == [1.1, 2.1]
    assert list(ax.containers[0].lines[0].get_ydata()) == [1.0, 2.0]
    assert [1.5, 1.5] in [list(line.get_xdata()) for line in ax.lines]


@pytest.mark.parametrize(("label", "explained"), [("", False), ("theory", True)])
def test_only_series_that_share_a_colour_need_a_legend(label, explained):
    dots = [Interval(1.0, 0.5, 1.5), Interval(2.0, 1.5, 2.5)]
    lines = {name: {label: [1.1, 2.1]} for name in ("a", "b")}
    comparison = draw.Comparison((1, 2), {"a": dots, "b": dots}, lines)
    (ax,) = draw.against({"title": comparison}, "x").axes
    assert (ax.get_legend() is not None) == explained
    assert [text.get_text() for text in ax.texts] == ([] if explained else ["a", "b"])


def test_gains_are_drawn_over_their_predictions():
    groups = {"lateral masks": [[1.0, 2.0], [3.0, 4.0]], "random": [[0.5, 0.6]]}
    titles = ["a", "b", "c", "d"]
    axes = draw.predicted_and_measured(dict.fromkeys(titles, groups)).axes
    assert [ax.get_title("left") or ax.get_title() for ax in axes] == titles
    for ax in axes:
        diagonal, lateral, _, random, _ = ax.lines
        assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
        assert np.array_equal(lateral.get_data(), [[1, 3], [2, 4]])
        assert np.array_equal(random.get_data(), [[0.5], [0.6]])
