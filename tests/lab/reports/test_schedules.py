"""Full and shorter schedules, and early stopping read off them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmask.lab.reports.schedules import (
    as_fitted,
    at_schedule,
    at_training_loss,
    full_schedule,
    path,
    schedules,
)
from gradmask.lab.reports.stats import mean_interval

SCHEDULES = [
    {"train loss": loss, "accuracy": accuracy}
    for loss, accuracy in ((0.02, 0.50), (0.9, 0.55), (0.3, 0.60))
]


@pytest.mark.parametrize("row", SCHEDULES)
def test_a_schedule_has_its_own_value(row):
    value = at_training_loss(SCHEDULES, row["train loss"], "accuracy")
    assert value == pytest.approx(row["accuracy"])


def test_between_schedules_the_logarithm_of_the_loss_counts():
    between = math.sqrt(0.9 * 0.3)
    assert at_training_loss(SCHEDULES, between, "accuracy") == pytest.approx(0.575)


def test_beyond_all_schedules_the_nearest_counts():
    assert at_training_loss(SCHEDULES, 2.0, "accuracy") == 0.55
    assert at_training_loss(SCHEDULES, 0.001, "accuracy") == 0.50
    with pytest.raises(ValueError, match="at least one schedule"):
        at_training_loss([], 1.0, "accuracy")


@given(st.floats(1e-3, 3))
def test_a_value_lies_among_those_of_the_schedules(loss):
    assert 0.50 <= at_training_loss(SCHEDULES, loss, "accuracy") <= 0.60


ROWS = [
    {"seed": seed, "variant": name, "epochs": epochs, "train loss": 1 / epochs}
    for name, epochs in (("plain", 9), ("plain", 3), ("mask", 9))
    for seed in (1, 0)
]


def test_the_full_schedule_is_the_longest_and_its_rows_are_sorted_by_seed():
    assert schedules(ROWS, "plain") == [3, 9]
    rows = full_schedule(ROWS, "plain")
    assert [(row["seed"], row["epochs"]) for row in rows] == [(0, 9), (1, 9)]
    with pytest.raises(ValueError, match="no variant 'random'; there are mask, plain"):
        schedules(ROWS, "random")


def test_every_seed_needs_the_full_schedule():
    with pytest.raises(ValueError, match="not trained for 9 epochs with seed 1"):
        full_schedule([*ROWS[1:3], *ROWS[4:]], "plain")


def test_a_shorter_schedule_may_take_the_place_of_the_full_one():
    shorter = at_schedule(ROWS, "plain", 3)
    assert [row["epochs"] for row in full_schedule(shorter, "plain")] == [3, 3]
    assert full_schedule(shorter, "mask") == full_schedule(ROWS, "mask")
    with pytest.raises(ValueError, match="no schedule of 4"):
        at_schedule(ROWS, "plain", 4)


def test_a_rival_is_met_at_the_variants_loss_seed_by_seed():
    values = {(3, 0): 1.0, (9, 0): 2.0, (3, 1): 5.0, (9, 1): 9.0}
    rows = [
        row | {"x": values[row["epochs"], row["seed"]], "train loss": loss}
        for row in ROWS
        for loss in [0.1 if row["variant"] == "mask" else 10.0 ** -(row["epochs"] // 4)]
    ]
    # Plain training has a loss of 1 after 3 epochs and of 0.01 after 9.
    assert as_fitted(rows, "mask", "plain", "x") == pytest.approx([1.5, 7.0])


def test_a_path_has_the_geometric_mean_of_losses_and_the_interval_of_each_schedule():
    rows = [
        {"seed": seed, "variant": "plain", "epochs": epochs, "train loss": loss, "a": a}
        for epochs, seed, loss, a in (
            (9, 0, 0.01, 0.2), (9, 1, 0.04, 0.4), (3, 0, 1.0, 0.6), (3, 1, 1.0, 0.8),
        )
    ]  # fmt: skip
    losses, intervals = path(rows, "plain", "a")
    assert losses == pytest.approx([1.0, 0.02])
    assert intervals == [mean_interval([0.6, 0.8]), mean_interval([0.2, 0.4])]
