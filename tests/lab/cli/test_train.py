"""Training torchvision's networks on folders, on a few tiny images."""

import json
import re
from pathlib import Path

import pytest
import torch
from support.pictures import write_class_folders
from torchvision.models import get_model

import gradmask as gm
from gradmask.lab.__main__ import main
from gradmask.lab.cli import train as command_module
from gradmask.lab.data.folders import load_files
from gradmask.lab.training.loop import finish, train


@pytest.fixture
def folder(tmp_path):
    return write_class_folders(tmp_path / "images")


SMALL = "--model", "shufflenet_v2_x0_5"


def command(folder, *more):
    usual = "--side 32 --batch-size 8 --epochs 3 --learning-rate 0.02 --workers 0"
    return main(["train", "folder", str(folder), *usual.split(), *more])


def contents(out):
    history = json.loads((out / "history.json").read_text("utf-8"))
    return history, torch.load(out / "model.pt", weights_only=True)


def test_dark_cats_are_told_from_bright_dogs(folder, tmp_path, capsys):
    out = tmp_path / "deep" / "masked"
    assert command(folder, "--mask", "theory", "--out", str(out)) == 0
    lines = capsys.readouterr().out.splitlines()
    numbers = [
        re.fullmatch(r"epoch +(\d): loss (.*), validation .* (.*)%, \d+ s", line)
        for line in lines
    ]
    assert [int(found[1]) for found in numbers] == [1, 2, 3]
    assert float(numbers[-1][2]) < float(numbers[0][2])

    assert sorted(path.name for path in out.iterdir()) == [
        "history.json",
        "model.pt",
        "state.pt",
    ]
    history, state = contents(out)
    assert [row["epoch"] for row in history["epochs"]] == [1, 2, 3]
    assert history["config"]["classes"] == ["cat", "dog"]
    assert history["provenance"][0]["torch"] == torch.__version__

    model = get_model("resnet18", num_classes=2).eval()
    model.load_state_dict(state)
    validation = load_files("folder", folder, 32).validation
    (batch,) = validation.batches(torch.arange(8)[None], torch.device("cpu"))
    with torch.no_grad():
        logits = model(batch.images)
    right = (logits.argmax(1) == batch.labels).double().mean().item()
    last = history["epochs"][-1]
    assert float(numbers[-1][3]) == pytest.approx(100 * right, abs=0.06)
    assert last["validation accuracy"] == pytest.approx(right)
    loss = torch.nn.functional.cross_entropy(logits, batch.labels).item()
    assert last["validation loss"] == pytest.approx(loss, rel=1e-4)


def test_the_seed_repeats_a_run_and_the_mask_changes_it(folder, capsys):
    printed = []
    for more in (
        ("--mask", "plain"),
        ("--mask", "plain"),
        ("--mask", "signal"),
        ("--mask", "signal", "--control", "random"),
    ):
        assert command(folder, "--epochs", "1", *more) == 0
        printed.append(tuple(re.findall("loss [0-9.]+", capsys.readouterr().out)))
    assert printed[0] == printed[1]
    assert len(set(printed)) == 3


def test_a_masked_network_is_plain_again_afterwards(folder):
    model = get_model("resnet18", num_classes=2)
    before = sum(len(m._forward_hooks) for m in model.modules())
    images, mask = load_files("folder", folder, 32).train, gm.GradientMask(1.0)
    finish(train(model, images, epochs=1, inhibition=mask, batch_size=8, seed=0))
    assert sum(len(m._forward_hooks) for m in model.modules()) == before


def in_the_middle_of_the_second(function, counts=lambda *args: True):
    """The function, killed at the second call that counts."""
    calls = []

    def killed(*args):
        if counts(*args):
            calls.append(args)
            if len(calls) == 2:
                raise KeyboardInterrupt
        return function(*args)

    return killed


def while_scoring(monkeypatch):
    score = in_the_middle_of_the_second(command_module.evaluate_shared)
    monkeypatch.setattr(command_module, "evaluate_shared", score)


def between_row_and_state(monkeypatch):
    replace = in_the_middle_of_the_second(
        Path.replace, lambda path, target: path.name == "pending.pt"
    )
    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("kill", [while_scoring, between_row_and_state])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    kill, folder, tmp_path, monkeypatch, capsys
):
    whole, out = tmp_path / "whole", tmp_path / "killed"
    assert command(folder, *SMALL, "--epochs", "2", "--out", str(whole)) == 0
    with monkeypatch.context() as patched:
        kill(patched)
        with pytest.raises(KeyboardInterrupt):
            command(folder, *SMALL, "--epochs", "2", "--out", str(out))
    assert not (out / "model.pt").exists()
    capsys.readouterr()
    assert command(folder, *SMALL, "--epochs", "2", "--out", str(out)) == 0
    assert re.findall(r"epoch +(\d)", capsys.readouterr().out) == ["2"]

    (history, state), (expected, other) = contents(out), contents(whole)
    assert all(torch.equal(state[key], other[key]) for key in other)
    assert len(history["provenance"]) == 2
    for row, same in zip(history["epochs"], expected["epochs"], strict=True):
        assert row | {"seconds": 0} == same | {"seconds": 0}


def test_a_finished_run_is_not_trained_again(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert command(folder, *SMALL, "--epochs", "1", "--out", str(out)) == 0
    _, state = contents(out)
    capsys.readouterr()
    assert command(folder, *SMALL, "--epochs", "1", "--out", str(out)) == 0
    assert capsys.readouterr().out == "1 of 1 epochs are done\n"
    _, again = contents(out)
    assert all(torch.equal(state[key], again[key]) for key in state)


def test_a_folder_is_not_shared_by_two_configurations(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert command(folder, *SMALL, "--epochs", "1", "--out", str(out)) == 0
    assert command(folder, *SMALL, "--seed", "1", "--out", str(out)) == 2
    assert "another configuration (epochs, seed)" in capsys.readouterr().err
    (out / "history.json").write_text("[]", "utf-8")
    assert command(folder, *SMALL, "--epochs", "1", "--out", str(out)) == 2
    assert "history.json is not a training's history" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_found_out_before_training(
    folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(command_module, "train", None)
    (tmp_path / "file").write_text("", "utf-8")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        assert command(folder, "--out", str(out)) == 2
        assert str(out) in capsys.readouterr().err


def test_the_command_says_what_is_wrong(folder, tmp_path, capsys):
    for place, more, message in (
        (tmp_path / "none", (), "none/train"),
        (folder, ("--batch-size", "99"), "are fewer than a batch of 99"),
        (folder, ("--model", "resnet0"), "resnet0"),
        (folder, ("--control", "random"), "'random' needs a mask"),
    ):
        assert command(place, *more) == 2
        assert message in capsys.readouterr().err
    (folder / "train" / "dog" / "0.png").write_bytes(b"no image")
    assert command(folder) == 2
    assert "0.png cannot be read as an image" in capsys.readouterr().err
