"""Early stopping, read off a ladder of plain runs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmask.lab.reports.schedules import at_training_loss

RUNGS = [
    {"train loss": loss, "accuracy": accuracy}
    for loss, accuracy in ((0.02, 0.50), (0.9, 0.55), (0.3, 0.60))
]


@pytest.mark.parametrize("rung", RUNGS)
def test_a_rung_has_its_own_value(rung):
    value = at_training_loss(RUNGS, rung["train loss"], "accuracy")
    assert value == pytest.approx(rung["accuracy"])


def test_between_rungs_the_logarithm_of_the_loss_counts():
    between = math.sqrt(0.9 * 0.3)
    assert at_training_loss(RUNGS, between, "accuracy") == pytest.approx(0.575)


def test_beyond_the_ladder_its_ends_count():
    assert at_training_loss(RUNGS, 2.0, "accuracy") == 0.55
    assert at_training_loss(RUNGS, 0.001, "accuracy") == 0.50
    with pytest.raises(ValueError, match="at least one rung"):
        at_training_loss([], 1.0, "accuracy")


@given(st.floats(1e-3, 3))
def test_a_value_lies_among_those_of_the_rungs(loss):
    assert 0.50 <= at_training_loss(RUNGS, loss, "accuracy") <= 0.60
