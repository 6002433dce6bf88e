"""The comparison that most experiments are, on its smallest budget."""

import math

import pytest
import torch

from gradmask import GradientMask
from gradmask.lab import experiments
from gradmask.lab.data.images import ImageSet
from gradmask.lab.experiments import comparison as trial
from gradmask.lab.measures.summary import quality
from gradmask.lab.networks.small import small_cnn
from gradmask.lab.training.variants import (
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
