"""Fashion-MNIST as published: four idx files, and which images we take from them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradmask.lab.data.idx import DataError, parse_idx, read_bytes

SHA256: Mapping[str, str] = {
    "train-images-idx3-ubyte": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "train-labels-idx1-ubyte": (
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    "t10k-images-idx3-ubyte": (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    "t10k-labels-idx1-ubyte": (
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ),
}
"""The four files and the sha256 of each, extracted."""


class Labelled(NamedTuple):
    """Images as published and their classes.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, 28, 28)
    labels : ndarray of uint8, shape (N,)
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


class Published(NamedTuple):
    """The two official splits: 60,000 images to train on, 10,000 to test on."""

    train: Labelled
    test: Labelled


def read_folder(root: Path, checksums: Mapping[str, str]) -> Published:
    """Read the four files from a folder.

    Parameters
    ----------
    root : Path
        The folder that holds the files, gzipped or extracted, directly or under
        ``FashionMNIST/raw`` as torchvision leaves them.
    checksums : mapping of str to str
        sha256 expected of each extracted file, by its name without ``.gz``;
        a file that is not named is checked for its structure alone. Pass
        `SHA256` to accept nothing but the official data.

    Returns
    -------
    Published
        Both official splits.

    Raises
    ------
    DataError
        If the folder or a file is missing, a file is damaged, or its content is
        not images of 28 x 28 pixels with as many labels from 0 to 9.
    """
    folder = _folder_of_files(root)
    return Published(
        _read_pair(folder, "train", checksums), _read_pair(folder, "t10k", checksums)
    )


def per_class(labels: NDArray[np.uint8], which: slice) -> NDArray[np.int64]:
    """Indices of the same slice of every class, in their original order.

    Parameters
    ----------
    labels : ndarray of uint8, shape (N,)
        Classes from 0 to 9.
    which : slice
        What to take of each class's own sequence of images.

    Returns
    -------
    ndarray of int64, shape (M,)
        Ascending indices into `labels`.

    Examples
    --------
    >>> per_class(np.array([3, 3, 5, 3, 5], dtype=np.uint8), slice(-1, None))
    array([3, 4])
    """
    members = [np.flatnonzero(labels == label)[which] for label in range(10)]
    return np.sort(np.concatenate(members)).astype(np.int64)


def _folder_of_files(root: Path) -> Path:
    if not root.is_dir():
        raise DataError(f"{root} is not a folder: name the one that holds {_wanted()}")
    for folder in (root, root / "FashionMNIST" / "raw"):
        if any(_candidates(folder, name) for name in SHA256):
            return folder
    raise DataError(f"{root} holds no file of Fashion-MNIST: put there {_wanted()}")


def _candidates(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]


def _wanted() -> str:
    return ", ".join(SHA256) + " (each as it is or with .gz)"


def _read_pair(folder: Path, prefix: str, checksums: Mapping[str, str]) -> Labelled:
    images, images_path = _read(folder, f"{prefix}-images-idx3-ubyte", 3, checksums)
    labels, labels_path = _read(folder, f"{prefix}-labels-idx1-ubyte", 1, checksums)
    if images.shape[1:] != (28, 28):
        raise DataError(
            f"{images_path} holds images of shape {images.shape[1:]}, not (28, 28): "
            "replace it by the file of Fashion-MNIST"
        )
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {len(images)} images and {labels_path} "
            f"{len(labels)} labels: download both again"
        )
    if labels.max(initial=0) > 9:
        raise DataError(
            f"{labels_path} holds the label {labels.max()}, outside 0 to 9: replace "
            "it by the file of Fashion-MNIST"
        )
    return Labelled(images, labels)


def _read(
    folder: Path, name: str, dimensions: int, checksums: Mapping[str, str]
) -> tuple[NDArray[np.uint8], Path]:
    candidates = _candidates(folder, name)
    if not candidates:
        raise DataError(
            f"{folder / name} is missing, with or without .gz: download it into "
            "this folder"
        )
    path = candidates[0]
    raw = read_bytes(path)
    values = parse_idx(raw, dimensions, path)
    if name in checksums and hashlib.sha256(raw).hexdigest() != checksums[name]:
        raise DataError(
            f"{path} is well formed but its content is not the published one "
            "(sha256 differs): delete it and download it again"
        )
    return values, path
