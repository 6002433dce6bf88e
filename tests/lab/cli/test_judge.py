"""The table of saliency maps on photographs with boxes, on tiny files made here."""

import numpy as np
import pytest
import torch
from support.pictures import write_photograph
from torchvision.models import get_model

from gradmask.lab.__main__ import main
from gradmask.lab.cli import judge
from gradmask.lab.data import photographs
from gradmask.lab.data.idx import DataError
from gradmask.lab.measures.saliency.maps import MAPS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Ten images, small ones, and weights that find a dog in every one of them."""
    monkeypatch.setattr(photographs, "SIDE", 64)
    for index in range(8):
        left = 3 * index
        write_photograph(tmp_path, f"dog{index}", ("dog", left, 2, left + 12, 14))
    write_photograph(tmp_path, "cat", ("cat", 0, 0, 10, 10))
    write_photograph(tmp_path, "large", ("dog", 0, 0, 40, 19))
    torch.manual_seed(0)
    model = get_model("resnet18", num_classes=2)
    with torch.no_grad():
        model.fc.bias.copy_(torch.tensor([-50.0, 50.0]))
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    return tmp_path


def command(folder, *more):
    words = ["images", "boxes", "--model", "resnet18", "--weights", "weights.pt"]
    paths = {"images", "boxes", "weights.pt"}
    words = [str(folder / word) if word in paths else word for word in words]
    return main(["judge", *words, *more])


def test_the_command_prints_the_table(folder, capsys):
    assert command(folder) == 0
    first, header, *rows = capsys.readouterr().out.splitlines()
    assert first == "resnet18, 10 images with one object, 0 with several left out"
    assert header.split() == ["iou", "mean", "iou", "pointing", "energy", "in", "box"]
    assert [row.split()[0] for row in rows] == list(MAPS)
    found = photographs.Photographs(folder / "images", folder / "boxes")
    dogs = [photograph for photograph in found if photograph.label == 1]
    inside = [
        (p.box[2:] - p.box[:2]).prod().item() / 64**2 for p in dogs if p.box[2] < 64
    ]
    assert len(inside) == 8
    noise = dict(zip(MAPS, rows, strict=True))["random"]
    energy = float(noise.split("]")[3].split()[0])
    assert energy == pytest.approx(np.mean(inside), abs=0.01)


def test_the_command_says_what_is_wrong(folder, capsys):
    classes = folder / "classes.txt"
    classes.write_text("cat\ndog\nbird\n", "utf-8")
    assert command(folder, "--classes", str(classes)) == 2
    assert "size mismatch" in capsys.readouterr().err
    classes.write_text("dog\ncat\n", "utf-8")
    assert command(folder, "--classes", str(classes)) == 2
    assert "fewer than two images" in capsys.readouterr().err
    assert command(folder, "--classes", str(folder / "none.txt")) == 2
    assert "none.txt" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["empty", "text", "model", "other"])
def test_what_holds_no_weights_of_the_network_is_named(folder, capsys, kind):
    path = folder / "weights.pt"
    if kind == "model":
        torch.save(get_model("resnet18", num_classes=2), path)
    elif kind == "other":
        torch.save(torch.arange(3), path)
    else:
        path.write_text("" if kind == "empty" else "no weights")
    assert command(folder) == 2
    assert "weights.pt holds no weights of this network" in capsys.readouterr().err


def test_names_of_classes_may_hold_spaces_and_follow_a_byte_order_mark(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("\ufeffgolden retriever\n\ncat \n", "utf-8")
    assert judge._lines(path) == ["golden retriever", "cat"]


def test_the_networks_classes_must_be_named(folder, monkeypatch):
    fresh = get_model("resnet18")
    monkeypatch.setattr(judge, "get_model", lambda name, weights: fresh)
    with pytest.raises(DataError, match="knows 1000 classes, the annotations 2"):
        judge._network("resnet18", None, 2)
