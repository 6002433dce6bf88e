"""Experiments with a run of their own, on their smallest budget."""

import pytest
import torch
from torch import nn

import gradmask as gm
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import SceneSplits, scene_splits
from gradmask.lab.experiments import comparison as trial
from gradmask.lab.experiments import confirm, experiment, hunt_dense, stripes
from gradmask.lab.networks.small import seeded

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("robustness", 5),
        ("hunt_backgrounds", 3),
        ("hunt_dense", 5),
        ("equal_fit", 4),
        ("cross_resnet18", 1),
        ("cross_resnet50", 1),
        ("cross_mobilenet_v3", 1),
        ("cross_vgg16", 1),
        ("overhead_cuda", 10),
        ("horizon_controls", 2),
        ("mobilenet_signal", 3),
        ("trunk_resnet", 3),
        ("trunk_mobilenet", 3),
        ("learning_rate", 12),
        ("saliency_cnn", 35),
        ("stripes", 22),
        ("stripes_scales", 9),
    ],
)
def test_rows_are_tidy_and_numbers_are_shares(name, runs):
    chosen = experiment(name)
    rows = chosen.run(chosen.PROFILES["smoke"], 0, CPU)
    assert len(rows) == runs
    assert len({tuple(row) for row in rows}) == 1
    shares = {
        "auto attack", "white_box", "test accuracy", "attention", "iou", "misled",
        "without stripes", "kept on", "kept beside", "validation accuracy",
    }  # fmt: skip
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


def test_the_longer_schedules_controls_differ_from_it_in_what_they_leave_out_alone():
    ours, both = (
        experiment(n).PROFILES["laptop"] for n in ("horizon_controls", "horizon")
    )
    assert ours["variants"].keys() == {"theory, random", "theory, top-k"}
    assert {k for k in both if ours[k] != both[k]} == {"variants", "ladder"}


def test_stripes_draw_seeds_of_their_own(monkeypatch):
    seen = []

    def splits(*args, seed):
        seen.append(seed)
        return SceneSplits(None, None, None)

    monkeypatch.setattr(stripes, "scene_splits", splits)
    stripes.run(stripes.PROFILES["laptop"] | {"settings": []}, 3, CPU)
    assert seen == [2003]
    assert confirm.FRESH + confirm.PROFILES["gpu"]["seeds"] < 2000


def test_kept_energy_is_that_of_the_positions_kept():
    training, *_ = scene_splits(load_fashion_mnist(), 4, 1, 1, seed=0)
    with seeded(0):
        conv = nn.Conv2d(1, 3, 3, padding=1, bias=False)
        head = nn.Linear(3, 10)
    model = nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    mask = gm.GradientMask.from_theory()
    found = stripes.kept_energy(model, training, mask)

    out = conv(training.images)
    loss = nn.functional.cross_entropy(model[1:](out), training.labels, reduction="sum")
    (delta,) = torch.autograd.grad(loss, out)
    windows = nn.functional.unfold(training.images, 3, padding=1).unflatten(2, (32, 32))
    energy = delta.norm(dim=1) * windows.norm(dim=1)
    kept = mask.mask(delta, energy=energy[:, None])[:, 0]
    power = energy.detach().double().square()
    for name, on in ("kept on", training.mask), ("kept beside", ~training.mask):
        share = power[kept & on].sum() / power[on].sum()
        assert found[name] == pytest.approx(share.item(), rel=1e-4)
    everything = stripes.kept_energy(model, training, None)
    assert set(everything.values()) == {1.0}


def test_the_other_scales_are_run_where_stripes_mislead_the_same_network():
    ours, theirs = (
        experiment(name).PROFILES["laptop"] for name in ("stripes_scales", "stripes")
    )
    assert {key for key in theirs if ours[key] != theirs[key]} == {"settings"}
    assert [setting["period"] for setting in ours["settings"]] == [4, 8, 16]
    places, known = (
        [{k: v for k, v in s.items() if k != "variants"} for s in some["settings"]]
        for some in (ours, theirs)
    )
    assert all(place in known for place in places)


def test_overlap_counts_pixels():
    a = torch.tensor([[[1, 1], [0, 0]], [[0, 0], [0, 0]]], dtype=torch.bool)
    b = torch.tensor([[[1, 0], [1, 0]], [[0, 0], [0, 0]]], dtype=torch.bool)
    assert hunt_dense.overlap(a, b).tolist() == pytest.approx([1 / 3, 0])
