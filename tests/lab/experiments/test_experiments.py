"""Experiments with a run of their own, on their smallest budget."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import gradmask as gm
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import SceneSplits, scene_splits
from gradmask.lab.experiments import hunt_dense, stripes
from gradmask.lab.experiments.images import StripedImages
from gradmask.lab.experiments.registry import experiment, names
from gradmask.lab.networks.small import seeded
from gradmask.lab.training.variants import PLAIN

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("robustness", 3),
        ("cifar10_airbench_robustness", 3),
        ("hunt_dense", 5),
        ("overhead_cuda", 7),
        ("learning_rate", 12),
        ("cifar10", 6),
        ("cifar10_readings", 2),
        ("cifar10_premise", 10),
        ("airbench_premise", 10),
        ("imagenette_premise", 10),
        ("scenes_premise", 10),
        ("cifar10_airbench", 5),
        ("recipe_cifar10", 3),
        ("stripes", 22),
        ("stripes_scales", 9),
        ("hunt_backgrounds", 5),
        ("equal_fit", 2),
        ("horizon_controls", 2),
        ("mobilenet_signal", 5),
        ("trunk_resnet", 5),
        ("trunk_mobilenet", 3),
        ("soft_scenes", 9),
        ("augmented_backgrounds", 4),
        ("smoothed_backgrounds", 1),
        ("finetuning", 4),
    ],
)
def test_rows_are_tidy_and_numbers_are_shares(name, runs):
    rows = fewer(name).run(0, CPU)
    assert len(rows) == runs
    tidy(rows)


@pytest.mark.parametrize("name", ["cross_resnet18", "cross_mobilenet_v3"])
def test_torchvisions_networks_are_trained_and_measured(name):
    smoke = experiment(name).smoke()
    signal = next(variant for variant in smoke.variants if variant.name == "signal")
    rows = replace(smoke, variants=(signal,), schedules=(), epochs=1).run(0, CPU)
    assert len(rows) == 1
    tidy(rows)


def fewer(name):
    """An experiment's smoke profile with fewer of what is the same once more."""
    smoke = experiment(name).smoke()
    if name.endswith("robustness"):
        return replace(smoke, variants=smoke.variants[:2])
    if name.startswith("stripes"):
        return replace(smoke, epochs=1)
    if len(getattr(smoke, "schedules", ())) > 1:
        return replace(smoke, schedules=(1,), epochs=2)
    return smoke


def tidy(rows):
    assert len({tuple(row) for row in rows}) == 1
    shares = {
        "auto attack", "white_box", "test accuracy", "attention", "iou", "misled",
        "without stripes", "kept on", "kept beside", "validation accuracy",
    }  # fmt: skip
    for row in rows:
        for key in shares & row.keys():
            assert row[key] is None or 0 <= row[key] <= 1


def test_misleading_backgrounds_cost_accuracy_only_where_they_were_believed():
    smoke = experiment("hunt_backgrounds").smoke()
    few = replace(smoke.levels, unstructured=(), tuned=(), attacked=4)
    one = replace(smoke, epochs=6, variants=(PLAIN,), schedules=(), levels=few)
    (believed,), (doubted,) = (
        replace(
            one, images=StripedImages(agreement=agreement, training=192, test=100)
        ).run(0, CPU)
        for agreement in (1.0, 0.1)
    )
    assert believed["train loss"] < doubted["train loss"]
    assert believed["test accuracy"] < 0.1 < doubted["test accuracy"]


def test_confirmations_draw_seeds_of_their_own():
    drawn = {name: set(experiment(name).gpu().seeds) for name in names()}
    same_seeds = [
        {"confirm", "equal_fit"},
        {"stripes", "stripes_scales"},
        {"mobilenet_signal"},
        {"trunk_resnet", "trunk_mobilenet"},
    ]
    for fresh in same_seeds:
        ours = set().union(*(drawn[name] for name in fresh))
        others = set().union(*(drawn[name] for name in drawn.keys() - fresh))
        assert ours.isdisjoint(others)
        assert len({experiment(name).seeds for name in fresh}) == 1


def test_confirmation_differs_from_the_core_in_what_it_leaves_out_alone():
    core, fresh = experiment("core"), experiment("confirm")
    assert set(fresh.variants) <= set(core.variants)
    assert changed(core, fresh) == {"variants", "schedules"}
    assert fresh.schedules == ()


@pytest.mark.parametrize("scenes", ["scenes", "backgrounds"])
def test_augmentations_differ_from_the_soft_masks_in_the_ways_alone(scenes):
    masks, ours = experiment(f"soft_{scenes}"), experiment(f"augmented_{scenes}")
    own, theirs = ours.configuration, masks.configuration
    assert own.keys() - theirs.keys() == {"mixtures"}
    differing = {key for key in theirs if own[key] != theirs[key]}
    assert differing == {"variants", "schedules"}
    assert ours.seeds == masks.seeds
    names = [name for name, _ in ours.mixtures]
    assert not {variant.label for variant in masks.variants} & set(names)


def test_equal_fit_differs_from_the_confirmation_in_the_schedules_alone():
    ours, fresh = experiment("equal_fit"), experiment("confirm")
    assert ours.epochs < fresh.epochs
    assert ours.seeds == fresh.seeds
    assert set(ours.variants) <= set(fresh.variants)
    assert changed(fresh, ours) == {"variants", "epochs", "schedules"}
    assert [epochs for _, epochs in ours.plans] == [22, 26]


def test_the_longer_schedules_controls_differ_from_it_in_what_they_leave_out_alone():
    ours, both = experiment("horizon_controls"), experiment("horizon")
    assert {v.label for v in ours.variants} == {"theory, random", "theory, top-k"}
    assert changed(both, ours) == {"variants", "schedules"}
    assert ours.schedules == ()


def changed(one, other):
    """Names of the settings in which two experiments differ."""
    one, other = one.configuration, other.configuration
    assert one.keys() == other.keys()
    return {key for key in one if one[key] != other[key]}


def test_a_fresh_seed_reaches_the_scenes(monkeypatch):
    seen = []

    def splits(*args, seed):
        seen.append(seed)
        return SceneSplits(None, None, None)

    monkeypatch.setattr(stripes, "scene_splits", splits)
    none = replace(stripes.EXPERIMENT, settings=())
    none.run(none.seeds.start + 3, CPU)
    assert seen == [2003]


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
    ours, theirs = experiment("stripes_scales"), experiment("stripes")
    assert changed(theirs, ours) == {"settings"}
    assert [setting.period for setting in ours.settings] == [4, 8, 16]
    places, known = (
        [replace(setting, variants=()) for setting in some.settings]
        for some in (ours, theirs)
    )
    assert all(place in known for place in places)


def test_overlap_counts_pixels():
    a = torch.tensor([[[1, 1], [0, 0]], [[0, 0], [0, 0]]], dtype=torch.bool)
    b = torch.tensor([[[1, 0], [1, 0]], [[0, 0], [0, 0]]], dtype=torch.bool)
    assert hunt_dense.overlap(a, b).tolist() == pytest.approx([1 / 3, 0])
