"""The experiment on augmentation, on its smallest budget."""

import math

import pytest
import torch

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.experiments import augmentation
from gradmask.lab.experiments.augmentation import SHIFTS, shifted


def test_every_variant_is_trained_and_measured():
    smoke = augmentation.EXPERIMENT.smoke()
    assert smoke.mixtures == augmentation.EXPERIMENT.mixtures
    rows = smoke.run(0, torch.device("cpu"))
    plans = [(row["variant"], row["epochs"]) for row in rows]
    assert plans == [
        ("none", smoke.epochs),
        *((mixture.label, smoke.epochs) for mixture in smoke.mixtures),
        ("none, longer", smoke.longer),
    ]
    assert len({tuple(row) for row in rows}) == 1
    for row in rows:
        numbers = [value for key, value in row.items() if key != "variant"]
        assert all(map(math.isfinite, numbers))
        assert row["shifted"] == pytest.approx(sum(row[s] for s in SHIFTS) / 4)
    losses = [row["train loss"] for row in rows]
    assert len(set(losses)) == len(losses)


def test_a_shift_changes_the_surroundings_alone():
    _, _, test = scene_splits(load_fashion_mnist(), 2, 2, 8, seed=3)
    scenes = shifted(test, 3)
    assert tuple(scenes) == SHIFTS
    for other in scenes.values():
        assert torch.equal(other.labels, test.labels)
        assert torch.equal(other.mask, test.mask)
        assert torch.equal(other.box, test.box)
    object_, outside = test.mask, ~test.mask
    brightness = {
        name: float(other.images[:, 0][outside].mean())
        for name, other in {"test": test, **scenes}.items()
    }
    assert brightness["no patches"] < brightness["test"] < brightness["more patches"]
    assert brightness["stripes"] > brightness["test"]
    assert torch.equal(
        scenes["stripes"].images[:, 0][object_], test.images[:, 0][object_]
    )
    middle = object_ & ((test.images[:, 0] - 0.5).abs() < 0.2)
    spread = {
        name: float((other.images - test.images)[:, 0][middle].std())
        for name, other in scenes.items()
    }
    # Other patches come with other noise; louder noise is the same noise, doubled.
    afresh, doubled = 0.1 * 2**0.5, 0.1
    assert spread["more patches"] == pytest.approx(afresh, rel=0.15)
    assert spread["no patches"] == pytest.approx(afresh, rel=0.15)
    assert spread["more noise"] == pytest.approx(doubled, rel=0.15)
