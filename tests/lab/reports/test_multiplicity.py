"""Corrections for the number of questions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gradmask.lab.reports.multiplicity import holm, p_value
from gradmask.lab.reports.stats import paired_difference

shares = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(shares)
def test_holm_rejects_what_its_steps_reject(values):
    adjusted = holm(dict(enumerate(values)))
    for level in (0.01, 0.05, 0.3):
        rejected = set()
        for step, name in enumerate(np.argsort(values, kind="stable")):
            if values[name] * (len(values) - step) > level:
                break
            rejected.add(int(name))
        assert {name for name, p in adjusted.items() if p <= level} == rejected


@given(shares)
def test_holm_lies_between_none_and_bonferroni(values):
    for name, p in holm(dict(enumerate(values))).items():
        assert values[name] <= p <= min(1, len(values) * values[name]) + 1e-12


def test_equal_differences_are_certain():
    assert p_value([0.5, 0.5], [0.5, 0.5]) == 1
    assert p_value([0.75, 0.5], [0.5, 0.25]) == 0


@pytest.mark.parametrize("shift", [0.0, 0.8, 1.2, 3.0])
def test_p_is_small_where_the_interval_excludes_zero(shift):
    values = np.random.default_rng(0).normal(shift, 1, 6)
    interval = paired_difference(values, [0.0] * 6)
    p = p_value(values, [0.0] * 6)
    assert p == pytest.approx(stats.ttest_rel(values, [0.0] * 6).pvalue)
    assert (p < 0.05) == interval.excludes_zero
