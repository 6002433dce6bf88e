"""One picture of what a network looks at, whatever the photographs are."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gradmask.lab.__main__ import main
from gradmask.lab.cli import look
from gradmask.lab.networks.pretrained import Pretrained, WeightsError


class Bright(nn.Sequential):
    """Takes the brightness of the upper half for "sky", of the lower for "sea"."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d((2, 1)),
            nn.Flatten(),
            nn.Linear(8, 2),
        )
        with torch.no_grad():
            self[0].weight.fill_(1 / 27)
            self[4].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(1, 4))


@pytest.fixture(autouse=True)
def network(monkeypatch):
    asked = []

    def found(name):
        asked.append(name)
        if name == "none":
            raise WeightsError("the weights are not installed: pip install them")
        return Pretrained(Bright().eval(), 32, ("sky", "sea"))

    monkeypatch.setattr(look, "pretrained", found)
    return asked


def sky(path, turned=False, mode="RGB"):
    """A picture whose upper half is bright, also where a camera lay on its side."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:20] = 255
    exif = Image.Exif()
    if turned:
        pixels = np.rot90(pixels).copy()
        exif[0x0112] = 6
    if mode == "16 bits":
        Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(path)
    elif mode == "clear":
        alpha = 255 - pixels[..., :1]
        Image.fromarray(np.concatenate([0 * pixels, alpha], 2)).save(path)
    else:
        Image.fromarray(pixels).convert(mode).save(path, exif=exif)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("colour.png", {}),
        ("grey.png", {"mode": "L"}),
        ("two.png", {"mode": "1"}),
        ("deep.png", {"mode": "16 bits"}),
        ("ink.jpg", {"mode": "CMYK"}),
        ("palette.gif", {"mode": "P"}),
        ("clear.png", {"mode": "clear"}),
        ("turned.jpg", {"turned": True}),
        ("été 写真 🌅.webp", {}),
    ],
)
def test_a_picture_of_any_kind_is_looked_at(name, options, tmp_path, capsys):
    out = tmp_path / "deep" / "look.png"
    path = sky(tmp_path / name, **options)
    assert main(["look", str(path), "--out", str(out)]) == 0
    said, written = capsys.readouterr().out.splitlines()
    assert said.startswith(f"{path}: sky ")
    assert written == f"written: {out}"
    with Image.open(out) as drawn:
        assert drawn.format == "PNG"
        assert min(drawn.size) > 500


def test_several_photographs_go_into_one_picture(tmp_path, network):
    paths = [str(sky(tmp_path / f"{n}.png")) for n in range(2)]
    sizes = []
    for some in (paths[:1], paths):
        out = tmp_path / "look.png"
        assert main(["look", *some, "--model", "one", "--out", str(out)]) == 0
        sizes.append(Image.open(out).size)
    assert sizes[1][1] == 2 * sizes[0][1]
    assert network == ["one", "one"]


@pytest.mark.parametrize("kind", ["missing", "text", "folder", "cut"])
def test_what_is_no_picture_is_named_before_anything_is_computed(
    kind, tmp_path, capsys, network
):
    path = tmp_path / "wrong.png"
    if kind == "text":
        path.write_text("no picture")
    elif kind == "folder":
        path.mkdir()
    elif kind == "cut":
        path.write_bytes(sky(path).read_bytes()[:80])
    whole, out = sky(tmp_path / "right.png"), tmp_path / "look.png"
    assert main(["look", str(whole), str(path), "--out", str(out)]) == 2
    assert f"error: {path} cannot be read as an image" in capsys.readouterr().err
    assert not out.exists()
    assert network == []


def test_weights_that_are_missing_are_an_error(tmp_path, capsys):
    assert main(["look", str(sky(tmp_path / "a.png")), "--model", "none"]) == 2
    assert "error: the weights are not installed" in capsys.readouterr().err


def test_one_picture_has_room_for_so_many(capsys):
    assert main(["look", *["a.png"] * 21]) == 2
    assert "at most 20 photographs" in capsys.readouterr().err
