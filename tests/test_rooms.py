"""The rooms of the library: every public name has one home, and a user sees few."""

import importlib
import pickle
import pkgutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch.multiprocessing as mp

import gradmask as gm

ROOT = Path(__file__).parents[1]
ROOMS = {
    name: importlib.import_module(f"gradmask.{name}")
    for name in ("functional", "masking", "quality", "saliency", "theory")
}
HOME = {name: room for room in ROOMS.values() for name in room.__all__}


def test_the_top_level_shows_few_names():
    assert len(gm.__all__) <= 24
    assert sorted(gm.__all__) == gm.__all__
    assert set(ROOMS) < set(gm.__all__)


def test_a_public_name_is_in_one_room():
    count = Counter(name for room in ROOMS.values() for name in room.__all__)
    assert set(count.values()) == {1}


def test_the_top_level_hands_on_what_a_room_holds():
    for name in set(gm.__all__) - set(ROOMS) - {"GradientMask", "SoftMask"}:
        assert getattr(gm, name) is getattr(HOME[name], name)


@pytest.mark.parametrize("room", ROOMS)
def test_a_rooms_names_are_those_that_its_files_declare(room):
    """A public name of a file is the room's, or the room's own business."""
    path = ROOMS[room].__path__
    declared = [
        (name, getattr(module, name))
        for info in pkgutil.iter_modules(path, f"gradmask.{room}.")
        if hasattr(module := importlib.import_module(info.name), "__all__")
        for name in module.__all__
    ]
    assert len({name for name, _ in declared}) == len(declared)
    there = dict(declared)
    for name in ROOMS[room].__all__:
        assert getattr(ROOMS[room], name) is there[name]
    if room != "masking":
        assert set(there) == set(ROOMS[room].__all__)


def test_examples_of_the_homes():
    assert gm.theory.snr_gain(1.0, 0.0, 0.5) == 2
    assert callable(gm.functional.error_energy)
    for name in ("snr_gain", "error_energy", "saliency_box"):
        assert not hasattr(gm, name)


def afresh(rank, code):
    """Run code as if nothing of the library had been imported."""
    for name in [*sys.modules]:
        if name.partition(".")[0] == "gradmask":
            del sys.modules[name]
    exec(code, {})


@pytest.mark.parametrize(
    "code",
    [
        "import gradmask, gradmask.gradient_mask",
        "from gradmask.gradient_mask import GradientMask; import gradmask",
    ],
)
def test_gradient_mask_is_the_function_although_a_file_has_its_name(code):
    check = "assert gradmask.gradient_mask is gradmask.functional.gradient_mask"
    mp.start_processes(afresh, (f"{code}; {check}",), start_method="forkserver")
    assert pickle.loads(pickle.dumps(gm.gradient_mask)) is gm.gradient_mask
    assert pickle.loads(pickle.dumps(gm.GradientMask)) is gm.GradientMask


TYPED = """
from typing import assert_type

import numpy as np
import torch
from torch import Tensor

import gradmask as gm
from gradmask.theory import best_scale, hit_rate, snr_gain

some = torch.ones(2)
number: float = snr_gain(0.5, 0.2, 0.3)
assert_type(snr_gain(1, 0, 0.3, fluctuation=0.1), float)
assert_type(snr_gain(some, 0.2, occupancy=0.3), Tensor)
assert_type(snr_gain(np.ones(2), [0.2, 0.3], 0.3, fluctuation=some), Tensor)
assert_type(hit_rate(np.float64(2), 1), float)
assert_type(best_scale(2.0), float)
assert_type(best_scale(some, "centre"), Tensor)
assert_type(gm.theory.GainPrediction(0.9, 0.5, 0.1, 0.0).gain, float)
assert_type(gm.gradient_mask(some, some), Tensor)
assert_type(gm.GradientMask(1.0).attach(torch.nn.ReLU()), gm.Handle)
"""
WRONG = """
import torch

from gradmask.theory import best_scale, snr_gain

number: float = snr_gain(torch.ones(2), 0.2, 0.3)
snr_gain(torch.ones(2), 0.2, occupied=0.3)
snr_gain(0.5, None, 0.3)
other: float = best_scale(torch.ones(2))
best_scale(torch.ones(2), 3)
"""


# What the library's types do not depend on, and what takes mypy longest.
DEEP = "_dynamo", "_inductor", "_functorch", "distributed", "export", "fx", "onnx"
CONFIG = f"""
[mypy]
strict = True
[mypy-sympy.*,{",".join(f"torch.{part}.*" for part in DEEP)}]
follow_imports = skip
"""


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """Lines in which mypy finds an error, of both pieces in one run."""
    folder = tmp_path_factory.mktemp("typed")
    for name, code in ("typed", TYPED), ("wrong", WRONG):
        (folder / f"{name}.py").write_text(code, "utf-8")
    (folder / "mypy.ini").write_text(CONFIG, "utf-8")
    options = f"--config-file={folder}/mypy.ini", "--cache-dir=.mypy_cache/users"
    command = [sys.executable, "-m", "mypy", *options, folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = [line.split(":")[:2] for line in done.stdout.splitlines() if ".py:" in line]
    places = {(Path(path).stem, int(number)) for path, number in found}
    return {place for place in places if place[0] in ("typed", "wrong")}


def test_numbers_give_numbers_and_arrays_tensors_also_to_a_type_checker(errors):
    assert not [number for name, number in errors if name == "typed"]


def test_a_type_checker_finds_what_is_wrong(errors):
    assert errors == {("wrong", number) for number in (6, 7, 8, 9, 10)}
