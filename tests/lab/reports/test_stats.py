"""Intervals over seeds, against the textbook's."""

import math

import numpy as np
import pytest
from scipy import stats

from gradmask.lab.reports.stats import (
    Interval,
    agrees,
    binomial_reach,
    course,
    jackknife,
    mean_interval,
    over_seeds,
    spearman,
)


def test_the_jackknife_of_a_mean_is_the_usual_interval():
    rows = [{"seed": seed, "x": x} for seed, x in enumerate((1.0, 2.0, 4.0))]

    def mean(own):
        return math.exp(np.mean([math.log(row["x"]) for row in own]))

    usual = over_seeds(rows, lambda own: own[0]["x"], geometric=True)
    assert jackknife(rows, mean) == pytest.approx(usual)


def test_an_interval_is_written_as_its_format_says():
    interval = Interval(0.25, -0.1, 0.5)
    assert f"{interval:+.1f}" == "+0.2 [−0.1, +0.5]"
    assert f"{interval:.0%}" == "25% [−10%, 50%]"
    assert f"{interval}" == str(interval)


def test_rank_correlation_is_spearmans_also_with_ties():
    draws = np.random.default_rng(0)
    x, y = draws.normal(size=(2, 30)), draws.integers(0, 5, (2, 30))
    for one, two in ((x[0], x[1]), (x[0], y[0]), (y[0], y[1])):
        expected = stats.spearmanr(one, two).statistic
        assert spearman(one, two) == pytest.approx(expected, rel=1e-12)


def test_over_seeds_looks_at_one_seed_at_a_time():
    rows = [{"seed": seed, "x": seed + i} for seed in (0, 2, 4) for i in (0, 1, 2)]
    interval = over_seeds(rows, lambda own: max(row["x"] for row in own))
    assert interval == pytest.approx(mean_interval([2, 4, 6]))
    ratios = [{"seed": seed, "x": 10.0**seed} for seed in (0, 1, 2)]
    interval = over_seeds(ratios, lambda own: own[0]["x"], geometric=True)
    assert interval == pytest.approx([10**x for x in mean_interval([0, 1, 2])])


def test_a_course_is_the_mean_over_seeds_at_every_place():
    rows = [
        {"seed": seed, "epoch": epoch, "x": seed + 10 * epoch}
        for epoch in (4, 0)
        for seed in (0, 1, 5)
    ]
    found = course(rows, "epoch", lambda own: own[0]["x"])
    assert list(found.x) == [0, 4]
    assert found.y == [mean_interval([0, 1, 5]), mean_interval([40, 41, 45])]


@pytest.mark.parametrize(
    ("predicted", "expected"), [(1.9, True), (2.6, True), (2.7, False), (1.4, False)]
)
def test_a_prediction_agrees_within_the_interval_or_a_share_of_it(predicted, expected):
    assert agrees(Interval(2.0, 1.8, 2.2), predicted, within=0.25) == expected


def test_shares_have_their_binomial_interval():
    deviation = stats.binom.std(100, [0.5, 0.1]) / 100
    assert binomial_reach([0.5, 0.1], 100) == pytest.approx(1.96 * deviation)
    assert binomial_reach(1.0, 7) == 0
