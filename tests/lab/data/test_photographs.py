"""Photographs with boxes, on tiny files made here."""

import numpy as np
import pytest
import torch
from PIL import Image
from support.pictures import OBJECT, write_photograph

from gradmask.lab.data.idx import DataError
from gradmask.lab.data.photographs import (
    Photographs,
    central_square,
    read_annotation,
    read_picture,
)


def load(folder, classes=None):
    return Photographs(folder / "images", folder / "boxes", classes)


def test_images_and_boxes_are_stretched_alike(tmp_path):
    write_photograph(tmp_path, "a", ("dog", 10, 5, 30, 15))
    (photograph,) = load(tmp_path)
    assert photograph.image.shape == (3, 224, 224)
    assert photograph.box.tolist() == [56, 56, 168, 168]
    pixels = photograph.image
    x0, y0, x1, y1 = photograph.box.tolist()
    inside = torch.zeros(224, 224, dtype=torch.bool)
    inside[y0:y1, x0:x1] = True
    wrong = (pixels.mean(0) > 0.5) != inside
    assert not wrong[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].any()
    wrong[y0 - 2 : y1 + 2, x0 - 2 : x1 + 2] = False
    assert not wrong.any()
    assert type(photograph.image) is torch.Tensor


def test_boxes_are_rounded_outwards(tmp_path):
    write_photograph(tmp_path, "a", ("dog", 1, 1, 2, 2), size=(300, 300))
    (photograph,) = load(tmp_path)
    assert photograph.box.tolist() == [0, 0, 2, 2]


def test_classes_are_sorted_or_those_that_are_named(tmp_path):
    write_photograph(tmp_path, "a", ("dog", 0, 0, 5, 5), suffix=".JPEG")
    write_photograph(tmp_path, "b", ("cat", 0, 0, 5, 5), suffix=".jpg")
    found = load(tmp_path)
    assert found.classes == ("cat", "dog")
    assert [int(p.label) for p in found] == [1, 0]
    named = load(tmp_path, ["bird", "dog", "cat"])
    assert [int(p.label) for p in named] == [1, 2]


def test_an_image_with_several_objects_is_left_out(tmp_path):
    write_photograph(tmp_path, "a", ("dog", 0, 0, 5, 5), ("cat", 5, 5, 9, 9))
    write_photograph(tmp_path, "b", ("dog", 0, 0, 5, 5))
    found = load(tmp_path)
    assert (len(found), found.left_out) == (1, 1)
    assert len(load(tmp_path, ["dog"])) == 2


def test_there_must_be_images(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="no JPEG or PNG images"):
        load(tmp_path)


def test_every_image_needs_its_annotation(tmp_path):
    write_photograph(tmp_path, "a", ("dog", 0, 0, 5, 5)).unlink()
    with pytest.raises(DataError, match=r"there is no a\.xml"):
        load(tmp_path)


def test_images_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for folder, x in (("cat", 0), ("dog", 20)):
        write_photograph(tmp_path, f"{folder}/001", (folder, x, 0, x + 5, 5), deep="")
    found = load(tmp_path)
    assert [found.classes[int(p.label)] for p in found] == ["cat", "dog"]
    assert [p.box.tolist()[0] for p in found] == [0, 112]


def test_an_annotation_that_may_be_of_several_images_is_refused(tmp_path):
    for folder in ("cat", "dog"):
        name = f"{folder}/001"
        document = write_photograph(tmp_path, name, ("pet", 0, 0, 5, 5), deep="")
    document.rename(tmp_path / "boxes/001.xml")
    with pytest.raises(DataError, match=r"dog.001\.png may belong to any 001\.xml"):
        load(tmp_path)


def test_every_image_needs_a_box_of_a_class(tmp_path):
    write_photograph(tmp_path, "a", ("dog", 0, 0, 5, 5))
    with pytest.raises(DataError, match=r"a\.xml has no box of the 1 classes"):
        load(tmp_path, ["cat"])


@pytest.mark.parametrize(
    "box", [(0, 0, 41, 5), (0, 0, 5, 21), (-1, 0, 5, 5), (5, 0, 5, 5), (0, 9, 5, 3)]
)
def test_a_box_lies_within_its_image(tmp_path, box):
    write_photograph(tmp_path, "a", ("dog", *box))
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
        read_annotation(path)


def test_a_document_type_is_refused(tmp_path):
    path = tmp_path / "a.xml"
    entities = '<!ENTITY a "dog"><!ENTITY b "&a;&a;&a;">'
    path.write_text(
        f"<!DOCTYPE annotation [{entities}]><annotation>"
        f"{OBJECT.format('&b;', 0, 0, 5, 5)}</annotation>",
        "utf-8",
    )
    with pytest.raises(DataError, match="document type"):
        read_annotation(path)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_picture_is_turned_upright_as_its_camera_says(orientation, tmp_path):
    upright = np.zeros((20, 40, 3), np.uint8)
    upright[:5, :10] = 255
    turns = {3: 2, 6: 1, 8: -1}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.rot90(upright, turns).copy()).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(np.asarray(read_picture(tmp_path / "a.png")), upright)


def ramp():
    """Rising grey of shape (4, 64)."""
    return np.tile(np.arange(64, dtype=np.uint8) * 4, (4, 1))


def write(path, kind):
    """Write the ramp in one of the forms that pictures come in."""
    grey = Image.fromarray(ramp())
    if kind == "16 bits":
        Image.fromarray(ramp().astype(np.uint16) * 257).save(path)
    elif kind == "integers":
        Image.fromarray(ramp().astype(np.int32) * 257).save(path)
    elif kind == "CMYK":
        grey.convert("RGB").convert("CMYK").save(path, quality=100)
    elif kind == "palette":
        grey.convert("P").save(path)
    else:
        grey.convert(kind).save(path)


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("L", ".png"),
        ("LA", ".png"),
        ("RGB", ".webp"),
        ("RGBA", ".png"),
        ("CMYK", ".jpg"),
        ("CMYK", ".tif"),
        ("16 bits", ".png"),
        ("16 bits", ".tif"),
        ("integers", ".tif"),
        ("palette", ".gif"),
        ("palette", ".png"),
    ],
)
def test_a_picture_of_any_kind_is_read_in_its_colours(kind, suffix, tmp_path):
    path = tmp_path / f"Übung 日本 {kind}{suffix}"
    write(path, kind)
    found = np.asarray(read_picture(path)).astype(int)
    assert found.shape == (4, 64, 3)
    allowed = 6 if suffix in {".jpg", ".webp"} else 0
    assert np.abs(found - ramp()[..., None]).max() <= allowed


def test_what_is_transparent_is_laid_on_white(tmp_path):
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[:, 0, 3], pixels[:, 1, 3] = 255, 51
    Image.fromarray(pixels).save(tmp_path / "a.png")
    row = np.asarray(read_picture(tmp_path / "a.png"))[0, :, 0]
    assert row.tolist() == [0, 204, 255]
    keyed = Image.fromarray(np.array([[0, 7, 255]], np.uint8))
    keyed.save(tmp_path / "b.png", transparency=7)
    row = np.asarray(read_picture(tmp_path / "b.png"))[0, :, 0]
    assert row.tolist() == [0, 255, 255]


@pytest.mark.parametrize("values", [np.float32([[0.5]]), np.int32([[70000]])])
def test_numbers_of_32_bits_are_refused(values, tmp_path):
    Image.fromarray(values).save(tmp_path / "deep.tif")
    with pytest.raises(DataError, match=r"deep\.tif holds numbers of 32 bits"):
        read_picture(tmp_path / "deep.tif")


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    Image.new("L", (64, 64)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError, match=r"a\.png cannot be read.*decompression bomb"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("size", [(40, 20), (20, 40), (33, 33)])
def test_the_middle_is_kept(size):
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 4 : -(width // 4)] = 255
    found = central_square(Image.fromarray(pixels), 64)
    assert found.shape == (3, 64, 64)
    assert found.dtype == torch.float32
    bright = (found[0, 32] > 0.5).double().mean().item()
    assert bright == pytest.approx(1 if width > height else 0.5, abs=0.04)


def test_a_truncated_photograph_is_named(tmp_path):
    write_photograph(tmp_path, "a", ("dog", 0, 0, 5, 5))
    (path,) = tmp_path.rglob("a.png")
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=r"a\.png cannot be read as an image"):
        load(tmp_path)[0]
