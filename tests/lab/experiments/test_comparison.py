"""What a record says of a comparison."""

import pytest
from scipy import stats

from gradmask.lab.reports import comparison
from gradmask.lab.reports.claims import CLAIMS, ledger
from gradmask.lab.training.variants import CONTROLS


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


def test_per_seed_takes_the_longest_run_and_reads_the_ladder():
    rows = made_up(PLAIN | {("signal", 30, 0.1): 0.6})
    per_seed = comparison.per_seed
    assert per_seed(rows, "plain", "pruned") == pytest.approx([0.5, 0.51, 0.5, 0.51])
    stopped = per_seed(rows, "signal, stopped early", "pruned")
    assert stopped == pytest.approx([0.4, 0.41, 0.4, 0.41])
    assert per_seed(rows, "signal, plain", "pruned") == per_seed(
        rows, "plain", "pruned"
    )
    with pytest.raises(ValueError, match="no variant 'weights'"):
        per_seed(rows, "weights", "pruned")
    with pytest.raises(ValueError, match="mask must be one of"):
        comparison.baselines("plain")


def test_what_goes_beyond_the_fit_is_what_a_better_fit_would_not_have_given():
    masks = {("signal", 30, 0.1): 0.6, ("signal, top-k", 30, 0.01): 0.55}
    rows = made_up(PLAIN | masks)
    # Plain training has 0.4 at a loss of 0.1, and 0.5 at a loss of 0.01.
    beyond = comparison.beyond_fit(rows, "signal", "signal, top-k", "pruned")
    assert beyond == pytest.approx([0.15] * 3)
    assert comparison.effect(rows, "signal", "signal, top-k", "pruned").mean < 0.1
    same = comparison.beyond_fit(rows, "signal", "plain", "pruned")
    assert same == pytest.approx(
        comparison.effect(rows, "signal", "signal, stopped early", "pruned")
    )


def test_at_equal_fit_a_rival_is_met_where_it_has_the_same_loss():
    masks = {("signal", 30, 0.1): 0.5, ("weights", 30, 0.01): 0.7}
    rivals = {("signal, top-k", 20, 0.1): 0.4, ("signal, top-k", 30, 0.01): 0.6}
    rows = made_up(PLAIN | masks | rivals)
    for name in ("signal", "weights"):
        met = comparison.at_equal_fit(rows, name, "signal, top-k", "pruned")
        assert met == pytest.approx([0.1] * 3)


@pytest.mark.parametrize("questions", [1, 4, 24])
@pytest.mark.parametrize("compare", [comparison.effect, comparison.at_equal_fit])
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
    [(0.9, 0.6, "reproduced"), (0.6, 0.9, "depends"), (0.4, 0.3, "not reproduced")],
)
def test_a_verdict_needs_plain_training_and_the_best_control(mask, control, verdict):
    controls = {(f"signal, {name}", 30, 0.1): control for name in CONTROLS}
    rows = made_up(PLAIN | {("signal", 30, 0.1): mask} | controls)
    # The made-up differences are equal for all seeds: intervals of no width.
    entries = ledger(rows, ["signal"])
    assert [entry.verdict for entry in entries] == [verdict] * len(CLAIMS)
    assert entries[0].to_plain.mean == pytest.approx(mask - 0.5)
