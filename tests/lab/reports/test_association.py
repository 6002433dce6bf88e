"""Rank correlations within seeds and groups."""

import math

import numpy as np
import pytest
from scipy import stats

from gradmask.lab.reports.association import rank_correlation
from gradmask.lab.reports.stats import mean_interval


def rows(seeds=3, groups=4, size=6):
    random = np.random.default_rng(0)
    return [
        {"seed": s, "group": g, "x": random.normal(), "y": random.normal() + g}
        for s in range(seeds)
        for g in range(groups)
        for _ in range(size)
    ]


def test_seeds_are_ranked_apart_and_their_interval_is_students():
    table = rows()
    each = []
    for seed in range(3):
        x, y = zip(*((r["x"], r["y"]) for r in table if r["seed"] == seed), strict=True)
        # Spearman's is Pearson's of the ranks.
        each.append(np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1])
    expected = mean_interval(each)
    assert rank_correlation(table, "x", "y") == pytest.approx(expected)


def test_no_interval_leaves_what_a_correlation_can_be():
    table = [
        {"seed": s, "x": x, "y": y}
        for s, ranks in enumerate([(1, 2, 3), (3, 2, 1)])
        for x, y in enumerate(ranks)
    ]
    assert rank_correlation(table, "x", "y") == (0, -1, 1)


def test_what_differs_between_groups_alone_is_no_correlation_within():
    table = [
        {"seed": s, "group": g, "x": 10 * g + i, "y": 10 * g - i}
        for s in range(2)
        for g in range(3)
        for i in range(4)
    ]
    assert rank_correlation(table, "x", "y").mean > 0.5
    assert rank_correlation(table, "x", "y", within=["group"]).mean == -1


def test_missing_values_small_groups_and_constants_are_left_out():
    table = [{"seed": s, "group": 0, "x": i, "y": i} for s in (0, 1) for i in range(3)]
    table += [{"seed": 0, "group": 0, "x": math.nan, "y": 9}]
    table += [{"seed": 0, "group": 0, "x": None, "y": 9}]
    table += [{"seed": 0, "group": 1, "x": i, "y": -i} for i in range(2)]
    table += [{"seed": 0, "group": 2, "x": i, "y": 5} for i in range(4)]
    assert rank_correlation(table, "x", "y", within=["group"]).mean == 1


def test_one_seed_gives_no_interval():
    with pytest.raises(ValueError, match="two seeds"):
        rank_correlation(rows(seeds=1), "x", "y")
