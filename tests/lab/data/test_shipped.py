"""scikit-image's photographs and the boxes that were drawn on them."""

import json
from importlib.resources import files

import numpy as np
import pytest
import torch
from PIL import Image

from gradmask.lab.data.shipped import RULE, Shipped, shipped_photographs
from gradmask.lab.networks.pretrained import pretrained

ASSET = files("gradmask.lab") / "assets/photographs.json"


def test_the_boxes_say_who_drew_them_on_what():
    stored = json.loads(ASSET.read_text("utf-8"))
    assert "drawn by the authors of this book" in stored["provenance"]
    assert stored["rule"] == RULE
    sizes = [tuple(entry["size"]) for entry in stored["photographs"]]
    assert [one.picture.size for one in shipped_photographs()] == sizes


@pytest.mark.parametrize("one", shipped_photographs(), ids=lambda one: one.name)
def test_a_photograph_is_in_colour_and_its_box_lies_within(one):
    assert one.picture.mode == "RGB"
    pixels = np.asarray(one.picture).astype(int)
    assert np.ptp(pixels, axis=2).mean() > 10
    (width, height), (x0, y0, x1, y1) = one.picture.size, one.box
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    image, (x0, y0, x1, y1) = one.square(224)
    assert image.shape == (3, 224, 224)
    assert 0 <= x0 < x1 <= 224
    assert 0 <= y0 < y1 <= 224


def test_its_classes_are_imagenets():
    known = set(pretrained().classes)
    for one in shipped_photographs():
        assert set(one.classes) <= known
        assert bool(one.classes) == (one.shows != "a person")


def test_the_box_follows_its_object_into_the_square():
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[20:50, 30:90] = 255
    one = Shipped(
        "a", "a block", "A block.", (), Image.fromarray(pixels), (30, 20, 90, 50)
    )
    image, box = one.square(30)
    assert box == (5, 10, 30, 25)
    inside = torch.zeros(30, 30, dtype=torch.bool)
    inside[box[1] : box[3], box[0] : box[2]] = True
    assert ((image[0] > 0.5) == inside).all()


def test_a_tall_photograph_loses_its_ends():
    one = Shipped("a", "", "", (), Image.new("RGB", (20, 60)), (3, 0, 10, 60))
    assert one.square(10)[1] == (1, 0, 5, 10)
