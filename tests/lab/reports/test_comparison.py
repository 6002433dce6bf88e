"""Paired differences to what a mask is compared with, on rows made up by hand."""

import pytest
from scipy import stats

from gradmask.lab.reports.claims import CLAIMS, ledger
from gradmask.lab.reports.comparison import (
    BASELINES,
    CONTROLS,
    by_seed,
    effect,
    effects,
    label,
    over_levels,
    over_schedules,
    per_seed,
    regimes,
    summary,
    versus,
)
from gradmask.lab.reports.equal_fit import at_equal_fit, beyond_fit
from gradmask.lab.training.variants import with_controls


def made_up(values):
    """Rows of a record in which every quantity is a variant's value."""
    quantities = [claim.quantity for claim in CLAIMS]
    return [
        {"seed": seed, "variant": name, "epochs": epochs, "train loss": loss}
        | dict.fromkeys(quantities, value + 0.01 * (seed % 2))
        for seed in range(4)
        for (name, epochs, loss), value in values.items()
    ]


PLAIN = {("plain", 10, 1.0): 0.3, ("plain", 30, 0.01): 0.5}


def test_per_seed_takes_the_full_schedule_and_reads_the_shorter_ones():
    rows = made_up(PLAIN | {("signal", 30, 0.1): 0.6})
    assert per_seed(rows, "plain", "pruned") == pytest.approx([0.5, 0.51, 0.5, 0.51])
    stopped = per_seed(rows, "signal", "pruned", "stopped early")
    assert stopped == pytest.approx([0.4, 0.41, 0.4, 0.41])
    assert per_seed(rows, "signal", "pruned", "plain") == per_seed(
        rows, "plain", "pruned"
    )
    with pytest.raises(ValueError, match="no variant 'weights'"):
        per_seed(rows, "weights", "pruned")
    with pytest.raises(ValueError, match="no variant 'plain, top-k'"):
        per_seed(rows, "plain", "pruned", "top-k")


def test_what_goes_beyond_the_fit_is_what_a_better_fit_would_not_have_given():
    masks = {("signal", 30, 0.1): 0.6, ("signal, top-k", 30, 0.01): 0.55}
    rows = made_up(PLAIN | masks)
    # Plain training has 0.4 at a loss of 0.1, and 0.5 at a loss of 0.01.
    beyond = beyond_fit(rows, "signal", "top-k", "pruned")
    assert beyond == pytest.approx([0.15] * 3)
    assert effect(rows, "signal", "top-k", "pruned").mean < 0.1
    same = beyond_fit(rows, "signal", "plain", "pruned")
    stopped = effect(rows, "signal", "stopped early", "pruned")
    assert same == pytest.approx(stopped)


def test_at_equal_fit_a_rival_is_met_where_it_has_the_same_loss():
    masks = {("signal", 30, 0.1): 0.5, ("weights", 30, 0.01): 0.7}
    rivals = {("signal, top-k", 20, 0.1): 0.4, ("signal, top-k", 30, 0.01): 0.6}
    rows = made_up(PLAIN | masks | rivals)
    for name, rival in ("signal", "top-k"), ("weights", "signal, top-k"):
        met = at_equal_fit(rows, name, rival, "pruned")
        assert met == pytest.approx([0.1] * 3)


@pytest.mark.parametrize("questions", [1, 4, 24])
@pytest.mark.parametrize("compare", [effect, at_equal_fit])
def test_many_questions_widen_an_interval_by_students_quantiles(compare, questions):
    rows = made_up(PLAIN | {("signal", 30, 0.01): 0.7})
    for row in rows:
        row["pruned"] += (row["variant"] == "signal") * row["seed"] ** 2 / 100
    mean, low, high = compare(rows, "signal", "plain", "pruned")
    found = compare(rows, "signal", "plain", "pruned", 1 - 0.05 / questions)
    wider = stats.t.ppf(1 - 0.025 / questions, 3) / stats.t.ppf(0.975, 3)
    assert found.high - mean == pytest.approx(wider * (high - mean))
    assert mean - found.low == pytest.approx(wider * (mean - low))
    assert mean == found.mean
    assert high > mean > low


@pytest.mark.parametrize(
    ("mask", "control", "verdict"),
    [
        (0.9, 0.6, "holds"),
        (0.6, 0.6, "a simpler method does as well"),
        (0.6, 0.9, "a simpler method does better"),
        (0.4, 0.3, "fails"),
    ],
)
def test_a_verdict_needs_plain_training_and_the_best_control(mask, control, verdict):
    controls = {(f"signal, {name}", 30, 0.1): control for name in CONTROLS}
    rows = made_up(PLAIN | {("signal", 30, 0.1): mask} | controls)
    # The made-up differences are equal for all seeds: intervals of no width.
    entries = ledger(rows, ["signal"])
    assert [entry.verdict for entry in entries] == [verdict] * len(CLAIMS)
    assert entries[0].to_plain.mean == pytest.approx(mask - 0.5)


def test_a_ledger_asks_what_the_record_holds():
    rows = made_up(PLAIN | {("signal", 30, 0.1): 0.9})
    rows = [{k: v for k, v in row.items() if k != "attention"} for row in rows]
    entries = ledger(rows, ["signal"])
    assert [entry.claim for entry in entries] == list(CLAIMS[:-1])
    assert {entry.rival for entry in entries} == {"stopped early"}


def test_exchanged_backgrounds_are_a_rival_and_those_about_a_box_are_none():
    others = {("background anywhere", 30, 0.1): 0.6, ("background by box", 30, 0.1): 1}
    rows = made_up(PLAIN | {("signal", 30, 0.1): 0.7} | others)
    entries = ledger(rows, ["signal"])
    assert {entry.rival for entry in entries} == {"background anywhere"}
    assert entries[0].to_rival.mean == pytest.approx(0.1)


def test_longer_steps_of_plain_training_are_a_rival():
    rows = made_up(
        PLAIN | {("signal", 30, 0.1): 0.7, ("plain, long steps", 30, 0.1): 0.8}
    )
    (entry, *_) = ledger(rows, ["signal"])
    assert (entry.rival, entry.verdict) == (
        "plain, long steps",
        "a simpler method does better",
    )


MASKS = {("signal", 30, 0.1): 0.6, ("signal, random", 30, 0.1): 0.2}
MASKS |= {("signal, top-k", 30, 0.1): 0.7}


def test_a_label_is_the_name_that_a_record_gives_a_control():
    for control in CONTROLS:
        labels = {variant.label for variant in with_controls("theory")}
        assert label("theory", control) in labels


def test_effects_are_those_of_the_baselines_one_by_one():
    rows = made_up(PLAIN | MASKS)
    found = effects(rows, "signal", "pruned")
    expected = dict(zip(BASELINES, (0.1, 0.2, 0.4, -0.1), strict=True))
    assert {name: each.mean for name, each in found.items()} == pytest.approx(expected)
    (title, regime), *_ = regimes({"one": rows}, "signal", {"pruned": "p"}).items()
    assert (title, regime) == ("p", {"one": found})


def test_many_variants_are_compared_with_one():
    rows = made_up(PLAIN | MASKS)
    names = ["signal, top-k", "plain"]
    found = versus(rows, names, "signal", {"pruned": "title"})
    assert list(found["title"]) == names
    assert found["title"]["plain"] == effect(rows, "plain", "signal", "pruned")
    met = versus(rows, ["signal"], "plain", {"pruned": "title"}, at_equal_fit)
    assert met["title"]["signal"] == at_equal_fit(rows, "signal", "plain", "pruned")


def test_seed_by_seed_a_seed_without_a_variant_is_left_out_of_its_own():
    rows = made_up(PLAIN | {("signal", 30, 0.1): 0.6, ("soft", 30, 0.1): 0.4})
    known = [row for row in rows if row["variant"] != "soft" or row["seed"] > 1]
    ways = {"literal": "signal", "soft mask": "soft"}
    found = by_seed(known, ways, {"after pruning": "pruned"})
    assert list(found) == ["after pruning"]
    assert found["after pruning"]["literal"] == pytest.approx([0.1] * 4)
    assert found["after pruning"]["soft mask"] == pytest.approx([-0.1] * 2)


def test_over_levels_a_mask_is_followed_by_its_baselines():
    rows = made_up(PLAIN | MASKS)
    found = over_levels(rows, "signal", {0: "test accuracy", 5: "pruned"})
    assert list(found) == ["mask", *BASELINES]
    assert list(found["top-k"].x) == [0, 5]
    assert found["top-k"].y == [summary(rows, "signal, top-k", "pruned")] * 2
    assert found["mask"].y == [summary(rows, "signal", "pruned")] * 2


def test_over_schedules_every_length_of_training_is_there():
    rows = made_up(PLAIN | MASKS)
    found = over_schedules(rows, ["plain", "signal"], "pruned")
    assert (found["plain"].x, found["signal"].x) == ([10, 30], [30])
    assert [y.mean for y in found["plain"].y] == pytest.approx([0.305, 0.505])
