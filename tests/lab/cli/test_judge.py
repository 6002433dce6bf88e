"""Photographs with boxes, on tiny files made here."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import get_model

from gradmask.lab.cli import judge as voc
from gradmask.lab.data import photographs
from gradmask.lab.data.idx import DataError

OBJECT = """<object><name>{}</name><pose>Left</pose><bndbox><xmin>{}</xmin>
<ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"""


def write(folder, name, *objects, size=(40, 20), suffix=".png"):
    """An image that is white in its boxes and black elsewhere, and its annotation."""
    (folder / "images" / "deep").mkdir(parents=True, exist_ok=True)
    (folder / "boxes").mkdir(exist_ok=True)
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    for _, x0, y0, x1, y1 in objects:
        pixels[int(y0) : int(y1), int(x0) : int(x1)] = 255
    Image.fromarray(pixels).save(folder / "images" / "deep" / f"{name}{suffix}")
    text = "".join(OBJECT.format(*item) for item in objects)
    path = folder / "boxes" / f"{name}.xml"
    path.write_text(f"<annotation>{text}</annotation>", "utf-8")
    return path


def load(folder, classes=None):
    return photographs.Photographs(folder / "images", folder / "boxes", classes)


def test_images_and_boxes_are_stretched_alike(tmp_path):
    write(tmp_path, "a", ("dog", 10, 5, 30, 15))
    (photograph,) = load(tmp_path)
    assert photograph.image.shape == (3, 224, 224)
    assert photograph.box.tolist() == [56, 56, 168, 168]
    mean, std = (
        torch.tensor(v)[:, None, None] for v in (photographs.MEAN, photographs.STD)
    )
    pixels = photograph.image * std + mean
    x0, y0, x1, y1 = photograph.box.tolist()
    inside = torch.zeros(224, 224, dtype=torch.bool)
    inside[y0:y1, x0:x1] = True
    wrong = (pixels.mean(0) > 0.5) != inside
    assert not wrong[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].any()
    wrong[y0 - 2 : y1 + 2, x0 - 2 : x1 + 2] = False
    assert not wrong.any()
    assert type(photograph.image) is torch.Tensor


def test_boxes_are_rounded_outwards(tmp_path):
    write(tmp_path, "a", ("dog", 1, 1, 2, 2), size=(300, 300))
    (photograph,) = load(tmp_path)
    assert photograph.box.tolist() == [0, 0, 2, 2]


def test_classes_are_sorted_or_those_that_are_named(tmp_path):
    write(tmp_path, "a", ("dog", 0, 0, 5, 5), suffix=".JPEG")
    write(tmp_path, "b", ("cat", 0, 0, 5, 5), suffix=".jpg")
    found = load(tmp_path)
    assert found.classes == ("cat", "dog")
    assert [int(p.label) for p in found] == [1, 0]
    named = load(tmp_path, ["bird", "dog", "cat"])
    assert [int(p.label) for p in named] == [1, 2]


def test_an_image_with_several_objects_is_left_out(tmp_path):
    write(tmp_path, "a", ("dog", 0, 0, 5, 5), ("cat", 5, 5, 9, 9))
    write(tmp_path, "b", ("dog", 0, 0, 5, 5))
    found = load(tmp_path)
    assert (len(found), found.left_out) == (1, 1)
    assert len(load(tmp_path, ["dog"])) == 2


def test_there_must_be_images(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="no JPEG or PNG images"):
        load(tmp_path)


def test_every_image_needs_its_annotation(tmp_path):
    write(tmp_path, "a", ("dog", 0, 0, 5, 5)).unlink()
    with pytest.raises(DataError, match=r"there is no a\.xml"):
        load(tmp_path)


def test_every_image_needs_a_box_of_a_class(tmp_path):
    write(tmp_path, "a", ("dog", 0, 0, 5, 5))
    with pytest.raises(DataError, match=r"a\.xml has no box of the 1 classes"):
        load(tmp_path, ["cat"])


@pytest.mark.parametrize(
    "box", [(0, 0, 41, 5), (0, 0, 5, 21), (-1, 0, 5, 5), (5, 0, 5, 5), (0, 9, 5, 3)]
)
def test_a_box_lies_within_its_image(tmp_path, box):
    write(tmp_path, "a", ("dog", *box))
    found = load(tmp_path)
    with pytest.raises(DataError, match="40x20 pixels"):
        found[0]


@pytest.mark.parametrize(
    "text",
    [
        "not XML",
        "<annotation><object><name>dog</name></object></annotation>",
        f"<annotation>{OBJECT.format('', 0, 0, 5, 5)}</annotation>",
        f"<annotation>{OBJECT.format('dog', 0, 0, 'x', 5)}</annotation>",
    ],
)
def test_what_is_not_an_annotation_is_named(tmp_path, text):
    path = tmp_path / "a.xml"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match=r"a\.xml is not an annotation"):
        photographs.read_annotation(path)


def test_a_document_type_is_refused(tmp_path):
    path = tmp_path / "a.xml"
    entities = '<!ENTITY a "dog"><!ENTITY b "&a;&a;&a;">'
    path.write_text(
        f"<!DOCTYPE annotation [{entities}]><annotation>"
        f"{OBJECT.format('&b;', 0, 0, 5, 5)}</annotation>",
        "utf-8",
    )
    with pytest.raises(DataError, match="document type"):
        photographs.read_annotation(path)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Ten images, small ones, and weights that find a dog in every one of them."""
    monkeypatch.setattr(photographs, "SIDE", 64)
    for index in range(8):
        left = 3 * index
        write(tmp_path, f"dog{index}", ("dog", left, 2, left + 12, 14))
    write(tmp_path, "cat", ("cat", 0, 0, 10, 10))
    write(tmp_path, "large", ("dog", 0, 0, 40, 19))
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
    return voc.main([*words, *more])


def test_the_command_prints_the_table(folder, capsys):
    assert command(folder) == 0
    first, header, *rows = capsys.readouterr().out.splitlines()
    assert first == "resnet18, 10 images with one object, 0 with several left out"
    assert header.split() == ["iou", "mean", "iou", "pointing", "energy", "in", "box"]
    assert [row.split()[0] for row in rows] == list(voc.MAPS)
    dogs = [photograph for photograph in load(folder) if photograph.label == 1]
    inside = [
        (p.box[2:] - p.box[:2]).prod().item() / 64**2 for p in dogs if p.box[2] < 64
    ]
    assert len(inside) == 8
    noise = dict(zip(voc.MAPS, rows, strict=True))["random"]
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


def test_the_networks_classes_must_be_named(folder, monkeypatch):
    fresh = get_model("resnet18")
    monkeypatch.setattr(voc, "get_model", lambda name, weights: fresh)
    with pytest.raises(DataError, match="knows 1000 classes, the annotations 2"):
        voc._network("resnet18", None, 2)
