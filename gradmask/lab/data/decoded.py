"""Images decoded once: all of them as bytes in one tensor.

The tensor is kept in ``$XDG_CACHE_HOME/gradmask`` (``~/.cache/gradmask``), under a name
that changes with any of the files.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2.functional import center_crop, resize
from tqdm import tqdm

from gradmask.lab.data.class_folders import Labelled
from gradmask.lab.data.images import ImageSet
from gradmask.lab.data.photographs import read_picture
from gradmask.lab.settings import cache_folder

__all__ = ["decoded"]


def decoded(images: Labelled, side: int, *, title: str = "decoding") -> ImageSet:
    """Decode images into bytes, or find them decoded in the cache.

    Parameters
    ----------
    images : list of (Path, int)
        Images and their labels, as from
        :func:`gradmask.lab.data.class_folders.class_folders`.
    side : int
        An image's shorter side is brought to so many pixels, and its middle is kept.
    title : str, default "decoding"
        Of the progress bar.

    Returns
    -------
    ImageSet
        Images of uint8, shape (N, 3, side, side).

    Raises
    ------
    DataError
        If a file is not a whole image of 8 or 16 bits a channel; the message names it.
    """
    kept = cache_folder() / f"decoded-{_fingerprint(images, side)}.pt"
    if (pixels := _kept(kept)) is None:
        pixels = _decode([path for path, _ in images], side, title)
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(f".{os.getpid()}")
        torch.save(pixels, temporary)
        temporary.replace(kept)
    return ImageSet(pixels, torch.tensor([label for _, label in images]))


def _fingerprint(images: Labelled, side: int) -> str:
    """Say in a few letters which files these are, how large and how old."""
    digest = hashlib.sha256(str(side).encode())
    for path, _ in images:
        known = path.stat()
        digest.update(
            f"{path.resolve()}\0{known.st_size}\0{known.st_mtime_ns}".encode()
        )
    return digest.hexdigest()[:16]


def _kept(path: Path) -> Tensor | None:
    try:
        pixels: Tensor = torch.load(path, weights_only=True, mmap=True)
        return pixels
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
        return None  # never written, or not whole


def _decode(paths: Sequence[Path], side: int, title: str) -> Tensor:
    pixels = torch.empty(len(paths), 3, side, side, dtype=torch.uint8)

    def read(index: int) -> None:
        image = torch.from_numpy(np.array(read_picture(paths[index]))).permute(2, 0, 1)
        if min(image.shape[1:]) != side:
            image = resize(image, [side], antialias=True)
        pixels[index] = center_crop(image, [side, side])

    with ThreadPoolExecutor() as pool:
        done = pool.map(read, range(len(paths)))
        for _ in tqdm(done, title, len(paths), unit="image", leave=False):
            pass
    return pixels
