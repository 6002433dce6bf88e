"""The table of saliency maps on photographs with boxes, on tiny files made here."""

import numpy as np
import pytest
import torch
from support.pictures import write_photograph
from torch import nn

from gradmask.lab.__main__ import main
from gradmask.lab.cli import judge
from gradmask.lab.data.idx import DataError
from gradmask.lab.data.photographs import MEAN, STD, Photographs
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.measures.saliency.photographs import MEASURES
from gradmask.lab.networks.pretrained import Pretrained
from gradmask.lab.networks.small import seeded

NAME = "tiny"


def tiny(name=NAME, num_classes=2):
    """A network in the place of torchvision's."""
    with seeded(0):
        return nn.Sequential(
            *(nn.Conv2d(3, 6, 5, 2, padding=2), nn.BatchNorm2d(6), nn.ReLU()),
            *(nn.Conv2d(6, 8, 3, 2, padding=1), nn.BatchNorm2d(8), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, num_classes)),
        )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Ten images, small ones, and weights that find a dog in every one of them."""
    monkeypatch.setattr(judge, "SIDE", 64)
    for index in range(8):
        left = 3 * index
        write_photograph(tmp_path, f"dog{index}", ("dog", left, 2, left + 12, 14))
    write_photograph(tmp_path, "cat", ("cat", 0, 0, 10, 10))
    write_photograph(tmp_path, "large", ("dog", 0, 0, 40, 19))
    monkeypatch.setattr(judge, "get_model", tiny)
    model = tiny()
    with torch.no_grad():
        model[-1].bias.copy_(torch.tensor([-50.0, 50.0]))
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    return tmp_path


def command(folder, *more):
    words = ["images", "boxes", "--model", NAME, "--weights", "weights.pt"]
    paths = {"images", "boxes", "weights.pt"}
    words = [str(folder / word) if word in paths else word for word in words]
    return main(["judge", *words, *more])


def test_the_command_prints_the_table(folder, capsys):
    assert command(folder, "--costly", "2") == 0
    first, *blocks = capsys.readouterr().out.split("\n\n")
    assert first == f"{NAME}, 10 images with one object, 0 with several left out"
    for (title, measures), block in zip(MEASURES.items(), blocks, strict=True):
        heading, header, *rows = block.splitlines()
        assert heading == title
        assert header.split() == " ".join(measures).split()
        assert [row.split()[0] for row in rows] == list(MAPS)
        assert all(row.count("]") == len(measures) for row in rows)
    rows = blocks[0].splitlines()[2:]
    found = Photographs(folder / "images", folder / "boxes", side=64)
    dogs = [photograph for photograph in found if photograph.label == 1]
    inside = [
        (p.box[2:] - p.box[:2]).prod().item() / 64**2 for p in dogs if p.box[2] < 64
    ]
    assert len(inside) == 8
    noise = dict(zip(MAPS, rows, strict=True))["random"]
    energy = float(noise.split("]")[3].split()[0])
    assert energy == pytest.approx(np.mean(inside), abs=0.01)


def test_the_costly_measures_can_be_left_out(folder, capsys):
    assert command(folder, "--costly", "0") == 0
    titles = [block.splitlines()[0] for block in capsys.readouterr().out.split("\n\n")]
    assert titles[1:] == ["finds the object", "costs"]
    assert command(folder, "--costly", "-1") == 2
    assert "must not be negative" in capsys.readouterr().err


def test_the_command_says_what_is_wrong(folder, capsys):
    classes = folder / "classes.txt"
    classes.write_text("cat\ndog\nbird\n", "utf-8")
    assert command(folder, "--classes", str(classes)) == 2
    assert "size mismatch" in capsys.readouterr().err
    classes.write_text("dog\ncat\n", "utf-8")
    assert command(folder, "--classes", str(classes), "--costly", "0") == 2
    assert "fewer than two images" in capsys.readouterr().err
    assert command(folder, "--classes", str(folder / "none.txt")) == 2
    assert "none.txt" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["empty", "text", "model", "other"])
def test_what_holds_no_weights_of_the_network_is_named(folder, capsys, kind):
    path = folder / "weights.pt"
    if kind == "model":
        torch.save(tiny(), path)
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


@pytest.fixture
def three(monkeypatch):
    """A network that knows cats, dogs and birds."""
    found = Pretrained(tiny(num_classes=3), 96, ("bird", "cat", "dog"))
    monkeypatch.setattr(judge, "pretrained", lambda name: found)
    return found


def test_the_networks_own_names_are_found_in_the_annotations(three):
    assert judge._network(NAME, None, ("cat", "dog")) is three
    ours = ("n1", "n2", "n3")
    assert judge._network(NAME, None, ours) == three._replace(classes=ours)


def test_names_that_the_network_does_not_know_must_be_given(three):
    with pytest.raises(DataError, match="knows 3 classes, but none of the name 'cow'"):
        judge._network(NAME, None, ("cat", "cow"))


def test_a_trained_network_sees_images_of_its_own_size(folder, three, monkeypatch):
    sides = []

    def measured(network, photographs, costly):
        sides.append(photographs[0].image.shape)
        return {"random": {}}

    monkeypatch.setattr(judge, "measure_photographs", measured)
    assert main(["judge", str(folder / "images"), str(folder / "boxes")]) == 0
    assert sides == [(3, 96, 96)]


def test_weights_see_images_normalised_as_in_training(folder):
    found = judge._network(NAME, folder / "weights.pt", ("cat", "dog"))
    image = torch.rand(1, 3, 64, 64)
    normal = (image - tensor(MEAN)) / tensor(STD)
    with torch.no_grad():
        torch.testing.assert_close(found.network(image), found.network[1](normal))


def tensor(values):
    return torch.tensor(values)[:, None, None]
