"""The experiment on saliency, on its smallest budget."""

import math
from dataclasses import replace

import pytest
import torch

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import cluttered_scenes
from gradmask.lab.experiments import saliency, saliency_cnn
from gradmask.lab.measures.saliency.insertion import area, deletion
from gradmask.lab.measures.saliency.localisation import localisation
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.measures.saliency.sanity import rank_correlation
from gradmask.lab.networks.small import small_resnet

SMOKE = saliency_cnn.EXPERIMENT.smoke()


@pytest.fixture(scope="module")
def rows():
    few = replace(SMOKE, variants=SMOKE.variants[:2])
    return few.run(0, torch.device("cpu"))


def test_every_map_of_every_network_is_judged(rows):
    plans = [(row["variant"], row["epochs"], row["map"]) for row in rows]
    networks = [("plain", 4), ("plain", 5), ("theory", 5)]
    assert plans == [(*network, name) for network in networks for name in MAPS]
    assert len({tuple(row) for row in rows}) == 1
    for row in rows:
        assert row["scenes"] == SMOKE.scenes
        for key, value in row.items():
            if isinstance(value, float):
                assert math.isfinite(value), key
                assert -1 <= value <= 1 or key == "train loss", key
        assert row["iou 15"] == row["iou"]
        overlaps = [value for key, value in row.items() if key.startswith("iou ")]
        assert row["mean iou"] == pytest.approx(sum(overlaps) / 10)


def test_baselines_are_the_same_for_every_network_and_survive_all(rows):
    found = {}
    for row in rows:
        if row["map"] in {"random", "centre"}:
            same = {k: row[k] for k in ("iou", "pointing", "energy in box")}
            assert found.setdefault(row["map"], same) == same
            survived = [v for k, v in row.items() if k.startswith("random ")]
            assert survived == pytest.approx([1] * 4)


def test_it_needs_scenes_that_all_networks_get_right(monkeypatch):
    monkeypatch.setattr(
        saliency,
        "eligible",
        lambda model, images, *_: images.new_zeros(len(images)) > 0,
    )
    small = replace(SMOKE, training=64, epochs=1, shorter=1, variants=())
    with pytest.raises(RuntimeError, match="no scene that all networks of cnn"):
        small.run(0, torch.device("cpu"))


def test_judgement_is_that_of_the_measures():
    scenes = cluttered_scenes(load_fashion_mnist().test, 6, seed=0)
    model, other = small_resnet(seed=0), small_resnet(seed=1)
    maps = MAPS["gradient"](model, scenes.images, scenes.labels)
    judged = saliency.judge(maps, scenes)
    expected = localisation(maps, scenes.box, scenes.mask)
    for key, values in expected.items():
        assert judged[key] == pytest.approx(values.mean().item())
    doubts = saliency.doubt("gradient", model, other, scenes, steps=4, seed=0)
    curve = deletion(model, scenes.images, scenes.labels, maps, 4)
    assert doubts["deletion"] == pytest.approx(area(curve).mean().item())
    theirs = MAPS["gradient"](other, scenes.images, scenes.labels)
    correlation = rank_correlation(maps, theirs).mean().item()
    assert doubts["random labels"] == pytest.approx(correlation)
    assert doubts["random top"] != doubts["random half"] != doubts["random all"]
