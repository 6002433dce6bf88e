"""Images decoded once, and refused rather than half loaded."""

import os

import numpy as np
import pytest
import torch
from PIL import Image
from support.pictures import picture

from gradmask.lab.data.decoded import decoded
from gradmask.lab.data.idx import DataError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_images_are_decoded_to_their_bytes(tmp_path):
    paths = [tmp_path / f"{n}.png" for n in range(3)]
    pixels = torch.stack([picture(p, seed=n) for n, p in enumerate(paths)])
    found = decoded(list(zip(paths, (2, 0, 1), strict=True)), 8)
    assert found.images.dtype == torch.uint8
    assert torch.equal(found.images, pixels)
    assert found.labels.tolist() == [2, 0, 1]


def test_the_shorter_side_fits_and_the_middle_is_kept(tmp_path):
    path = tmp_path / "wide.png"
    pixels = torch.zeros(16, 48, 3, dtype=torch.uint8)
    pixels[:, 16:32] = 200
    Image.fromarray(pixels.numpy()).save(path)
    (image,) = decoded([(path, 0)], 8).images
    assert image.shape == (3, 8, 8)
    assert (image[:, :, 2:6] == 200).all()


def test_a_turned_photograph_is_brought_upright(tmp_path):
    path, exif = tmp_path / "turned.png", Image.Exif()
    exif[0x0112] = 6
    pixels = picture(path, (8, 8), exif=exif)
    (image,) = decoded([(path, 0)], 8).images
    assert torch.equal(image, pixels.rot90(-1, (1, 2)))


def test_what_is_decoded_is_kept_until_a_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "one.png"
    first = picture(path, seed=0)
    assert torch.equal(decoded([(path, 0)], 8).images[0], first)
    with monkeypatch.context() as patched:
        patched.setattr("gradmask.lab.data.decoded.read_picture", None)
        assert torch.equal(decoded([(path, 0)], 8).images[0], first)
    second = picture(path, seed=1)
    os.utime(path, ns=(0, 0))
    assert torch.equal(decoded([(path, 0)], 8).images[0], second)
    assert decoded([(path, 0)], 4).images.shape == (1, 3, 4, 4)


def test_a_damaged_cache_is_made_again(tmp_path):
    path = tmp_path / "one.png"
    first = picture(path)
    decoded([(path, 0)], 8)
    (kept,) = (tmp_path / "cache/gradmask").iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert torch.equal(decoded([(path, 0)], 8).images[0], first)


def test_a_file_that_cannot_be_read_is_named_and_nothing_is_kept(tmp_path):
    good, cut, deep = (tmp_path / name for name in ("good.png", "cut.png", "deep.tif"))
    picture(good)
    picture(cut, (64, 64))
    cut.write_bytes(cut.read_bytes()[:200])
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(deep)
    for bad in (cut, deep):
        with pytest.raises(DataError, match=bad.name):
            decoded([(good, 0), (bad, 1)], 8)
    assert not (tmp_path / "cache").exists()
