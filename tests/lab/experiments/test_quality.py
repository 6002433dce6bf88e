"""The experiment on gradient quality: its rows, and the object's share of the error."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gradmask.lab.experiments import quality

SMALL = replace(quality.EXPERIMENT.smoke(), families=("cnn",))


@pytest.fixture(scope="module")
def rows():
    return SMALL.run(0, torch.device("cpu"))


def test_a_row_for_every_layer_epoch_and_data_set(rows):
    seen = [(row["data"], row["epoch"], row["layer"]) for row in rows]
    layers = ["(network)", "1", "4", "7"]
    assert seen == [
        (data, epoch, layer)
        for data in ("fashion", "scenes")
        for epoch in (0, 2)
        for layer in layers
    ]
    assert [row["depth"] for row in rows[1:4]] == [0, 0.5, 1]
    assert all(math.isfinite(row["q"]) for row in rows)


def test_only_scenes_know_their_object(rows):
    for row in rows:
        known = row["data"] == "scenes" and row["layer"] != "(network)"
        assert math.isfinite(row["object_share"]) == known
        assert not known or 0 < row["object_area"] < 1


def test_a_seed_can_be_repeated_and_another_differs(rows):
    small = replace(SMALL, data=("fashion",), measured=(0,))
    expected = [row["q"] for row in rows[:4]]
    again, other = (small.run(seed, torch.device("cpu")) for seed in (0, 1))
    assert [row["q"] for row in again] == expected
    assert [row["q"] for row in other] != expected


def test_the_objects_share_equals_a_slow_count():
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=2, padding=1),
        nn.BatchNorm2d(3),
        nn.Flatten(),
        nn.Linear(48, 5),
    )
    images, labels = torch.rand(4, 1, 8, 8), torch.arange(4)
    mask = torch.rand(4, 8, 8) < 0.3
    share, area = quality.object_shares(model, {"0": model[0]}, images, labels, mask)[
        "0"
    ]

    assert model.training
    model.eval()
    z = model[0](images)
    (delta,) = torch.autograd.grad(F.cross_entropy(model[1:](z), labels), z)
    expected = []
    for error, inside in zip(delta, mask, strict=True):
        on = total = 0.0
        for y in range(4):
            for x in range(4):
                power = error[:, y, x].square().sum().item()
                pixels = inside[2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
                on += power * pixels.float().mean().item()
                total += power
        expected.append(on / total)
    assert share == pytest.approx(sum(expected) / 4, rel=1e-5)
    assert area == pytest.approx(mask.float().mean().item())
