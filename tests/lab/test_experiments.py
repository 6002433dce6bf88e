"""Experiments with a run of their own, on their smallest budget."""

import pytest
import torch

from gradmask.lab import trial
from gradmask.lab.experiments import confirm, experiment, hunt_dense

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("robustness", 5),
        ("hunt_backgrounds", 3),
        ("hunt_dense", 5),
        ("equal_fit", 4),
        ("cross_torchvision", 3),
    ],
)
def test_rows_are_tidy_and_numbers_are_shares(name, runs):
    chosen = experiment(name)
    rows = chosen.run(chosen.PROFILES["smoke"], 0, CPU)
    assert len(rows) == runs
    assert len({tuple(row) for row in rows}) == 1
    shares = {"auto attack", "white_box", "test accuracy", "attention", "iou"}
    for row in rows:
        for key in shares & row.keys():
            assert row[key] is None or 0 <= row[key] <= 1


def test_misleading_backgrounds_cost_accuracy_only_where_they_were_believed():
    chosen = experiment("hunt_backgrounds")
    config = chosen.PROFILES["smoke"] | {
        "training": 320, "test": 200, "epochs": 12, "variants": {"plain": None},
        "ladder": [],
    }  # fmt: skip
    (believed,) = chosen.run(config | {"agreement": 1.0}, 0, CPU)
    (doubted,) = chosen.run(config | {"agreement": 0.1}, 0, CPU)
    assert believed["train loss"] < doubted["train loss"]
    assert believed["test accuracy"] < 0.1 < doubted["test accuracy"]


def test_confirmation_draws_seeds_of_its_own(monkeypatch):
    seen = []
    monkeypatch.setattr(trial, "run", lambda config, seed, device: seen.append(seed))
    for seed in range(confirm.PROFILES["gpu"]["seeds"]):
        confirm.run({}, seed, CPU)
    others = {"core", "ablations", "robustness"}
    assert min(seen) > max(experiment(o).PROFILES["gpu"]["seeds"] for o in others)


def test_confirmation_differs_from_the_core_in_what_it_leaves_out_alone():
    core, fresh = (experiment(n).PROFILES["laptop"] for n in ("core", "confirm"))
    assert fresh["variants"].items() <= core["variants"].items()
    changed = {key for key in core if core[key] != fresh[key]}
    assert changed == {"seeds", "variants", "ladder"}


def test_equal_fit_differs_from_the_confirmation_in_the_schedules_alone():
    ours, fresh = (experiment(n).PROFILES["laptop"] for n in ("equal_fit", "confirm"))
    assert max(ours["schedules"]) < fresh["epochs"]
    assert ours["variants"].items() <= fresh["variants"].items()
    assert {k for k in fresh if ours[k] != fresh[k]} == {"variants"}


def test_overlap_counts_pixels():
    a = torch.tensor([[[1, 1], [0, 0]], [[0, 0], [0, 0]]], dtype=torch.bool)
    b = torch.tensor([[[1, 0], [1, 0]], [[0, 0], [0, 0]]], dtype=torch.bool)
    assert hunt_dense.overlap(a, b).tolist() == pytest.approx([1 / 3, 0])
