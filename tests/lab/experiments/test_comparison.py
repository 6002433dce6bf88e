"""The comparison that most experiments are, on its smallest budget."""

import math

import pytest
import torch
from scipy import stats

from gradmask import GradientMask
from gradmask.lab import experiments
from gradmask.lab.data.images import ImageSet
from gradmask.lab.experiments import comparison as trial
from gradmask.lab.measures.summary import quality
from gradmask.lab.networks.small import small_cnn
from gradmask.lab.reports import comparison
from gradmask.lab.reports.claims import CLAIMS, ledger
from gradmask.lab.training.variants import (
    CONTROLS,
    MASKS,
    build,
    schedule,
    with_controls,
)

COMPARISONS = [
    name
    for name in experiments.names()
    if experiments.experiment(name).run is trial.run
]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def rows():
    config = trial.profiles()["smoke"]
    return trial.run(config, 0, CPU)


def test_a_comparison_measures_every_rung_and_variant(rows):
    plans = [(row["variant"], row["epochs"]) for row in rows]
    assert plans == [("plain", 1), ("plain", 2), ("signal", 2)]
    assert len({tuple(row) for row in rows}) == 1
    for row in rows:
        for key, value in row.items():
            if isinstance(value, float) and "lgq" not in key:
                assert math.isfinite(value), key
            if key.split()[0] in {"fgsm", "pgd", "global", "structured", "tuned"}:
                assert 0 <= value <= 1
        assert row["gap"] == pytest.approx(row["train accuracy"] - row["test accuracy"])
        assert row["attacked"] == pytest.approx((row["fgsm 4"] + row["pgd 4"]) / 2)
        assert row["pruned"] == pytest.approx(
            (row["global 0.5"] + row["structured 0.2"] + row["tuned 0.5"]) / 3
        )


def test_a_comparison_is_deterministic(rows):
    config = trial.profiles()["smoke"]
    again = trial.run(config, 0, CPU)
    for one, two in zip(rows, again, strict=True):
        one, two = ({k: v for k, v in r.items() if k != "seconds"} for r in (one, two))
        assert one == pytest.approx(two, nan_ok=True)


@pytest.mark.parametrize("name", COMPARISONS)
def test_every_variant_of_an_experiment_can_be_built(name):
    for config in experiments.experiment(name).PROFILES.values():
        epochs = config["epochs"]
        for key, variant in config["variants"].items():
            masks = map(schedule(variant, 3, epochs), range(1, epochs + 1))
            there = [mask for mask in masks if mask]
            assert bool(there) == (key != "plain")
            assert all(isinstance(mask, GradientMask) for mask in there)
            assert all(mask.seed == 3 for mask in there)
        assert all(rung < epochs for rung in config["ladder"])


def test_fashion_images_can_be_compared_too():
    config = trial.profiles(data="fashion")["smoke"]
    rows = trial.run(config | {"variants": {"plain": None}, "ladder": []}, 0, CPU)
    assert len(rows) == 1
    assert "attention" not in rows[0]


def test_a_dead_network_has_no_lateral_quality():
    model = small_cnn(seed=0)
    for parameter in model.parameters():
        parameter.data.zero_()
    images = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    found = quality(model, ImageSet(images, torch.arange(8)), samples=8)
    assert math.isnan(found["lgq"])


def test_label_noise_replaces_its_share_and_leaves_the_rest():
    labels = torch.zeros(20_000, dtype=torch.long)
    noisy = trial._with_label_noise(labels, 0.3, seed=0)
    changed = (noisy != 0).double().mean().item()
    assert abs(changed - 0.3 * 0.9) < 4 * math.sqrt(0.27 * 0.73 / 20_000)
    assert torch.equal(trial._with_label_noise(labels, 0.0, seed=0), labels)
    assert noisy.unique().tolist() == list(range(10))


def test_the_mask_of_theory_is_the_librarys():
    assert build(MASKS["theory"], seed=0) == GradientMask.from_theory()


def test_controls_differ_from_their_mask_in_the_selection_alone():
    for name, options in with_controls(*MASKS).items():
        mask, _, control = name.partition(", ")
        if control:
            assert options == MASKS[mask] | {"select": control}


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
