"""The experiments on photographs, on their smallest budget."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from gradmask.lab.data.idx import DataError
from gradmask.lab.data.shipped import shipped_photographs
from gradmask.lab.data.validation import TEN, first_of_each, validation_photographs
from gradmask.lab.experiments.registry import experiment
from gradmask.lab.measures.saliency import maps
from gradmask.lab.measures.saliency.maps import MAPS

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch):
    monkeypatch.setattr(maps, "STEPS", 2)


def finite(rows):
    assert len({tuple(row) for row in rows}) == 1
    for row in rows:
        for key, value in row.items():
            if isinstance(value, float):
                assert math.isfinite(value), key


def test_every_map_of_a_photograph_is_measured():
    rows = experiment("photographs").smoke().run(0, CPU)
    assert [(row["photograph"], row["map"]) for row in rows] == [
        ("coffee", name) for name in MAPS
    ]
    finite(rows)
    for row in rows:
        assert row["right"] == (row["class"] in {"espresso", "cup", "coffee mug"})
        assert row["covers"] == pytest.approx(0.44, abs=0.04)
        assert all(0 <= row[key] <= 1 for key in ("iou", "insertion", "deletion"))
    by_map = {row["map"]: row for row in rows}
    for name in ("random", "centre"):
        assert by_map[name]["random all"] == pytest.approx(1)
    assert by_map["centre"]["pointing"] == 1


def test_it_asks_about_all_the_photographs_there_are():
    names = tuple(one.name for one in shipped_photographs())
    assert experiment("photographs").photographs == names


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three photographs of every class, one of them not of the validation set."""
    for name in TEN:
        place = tmp_path / "imagenette-224" / "val" / name
        place.mkdir(parents=True)
        for stem in ("ILSVRC2012_val_2", "ILSVRC2012_val_1", "n01_7"):
            pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
            Image.fromarray(pixels).save(place / f"{stem}.JPEG")
    monkeypatch.setenv("GRADMASK_BENCHMARKS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "imagenette-224"


def test_photographs_of_the_validation_set_are_found_by_their_names(folder):
    found = validation_photographs()
    assert found == validation_photographs(folder)
    assert len(found) == 20
    assert [label for _, label in found[::2]] == list(TEN.values())
    assert first_of_each(1) == found[::2]
    assert first_of_each(2) == first_of_each(9) == found
    assert [path.stem for path, _ in found[:2]] == [
        "ILSVRC2012_val_1",
        "ILSVRC2012_val_2",
    ]


def test_a_class_without_photographs_is_named(folder):
    for path in folder.rglob("n03028079/*"):
        path.unlink()
    with pytest.raises(DataError, match=r"n03028079/ILSVRC2012_val_\*: unpack"):
        validation_photographs()


def test_every_map_of_the_validation_set_is_measured(folder):
    rows = experiment("photographs_imagenet").smoke().run(0, CPU)
    assert [(row["photograph"], row["map"]) for row in rows] == [
        (number, name) for number in range(2) for name in MAPS
    ]
    finite(rows)
    assert {row["label"] for row in rows} == {0}
