"""Images that are read from their files when they are needed: class folders, CIFAR."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets
from torchvision.transforms import v2

from gradmask.lab.data.class_folders import Labelled, class_folders
from gradmask.lab.data.idx import DataError
from gradmask.lab.data.images import ImageSet
from gradmask.lab.data.photographs import MEAN, STD, read_picture

__all__ = ["SOURCES", "FileSplits", "ImageFiles", "load_files"]

CIFAR = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}
SOURCES = (*CIFAR, "folder")
"""Where images come from."""


class ImageFiles:
    """Images that may not fit into memory, with the classes that number their labels.

    Like an :class:`~gradmask.lab.data.images.ImageSet` it hands out batches, and so it
    can be trained on.

    Parameters
    ----------
    images : Dataset
        Of pairs: an image of shape (C, H, W), and its label.
    classes : sequence of str
        Names of the classes, in the order of the labels.
    seed : int, default 0
        Of what is random in the images, such as crops.  An image is drawn by the seed,
        the indices of all batches of the pass and its own index: by nothing that a
        restart or the number of workers changes.
    workers : int, default 0
        Processes that read images; 0 reads them in this one.
    """

    def __init__(
        self,
        images: Dataset[Any],
        classes: Iterable[str],
        *,
        seed: int = 0,
        workers: int = 0,
    ) -> None:
        self.classes = tuple(classes)
        self._images, self._seed, self._workers = images, seed, workers

    def __len__(self) -> int:
        return len(self._images)  # type: ignore[arg-type]

    def to(self, device: torch.device) -> Self:
        """Return the same: nothing is kept in memory."""
        return self

    def batches(
        self, indices: Iterable[Tensor], device: torch.device
    ) -> Iterator[ImageSet]:
        """Yield the images of every row of indices, on a device.

        Raises
        ------
        DataError
            If a file cannot be read as an image; the message names it.
        """
        rows = [row.tolist() for row in indices]
        order = zlib.crc32(repr(rows).encode())
        loader = DataLoader(
            _Seeded(self._images, (self._seed, order)),
            batch_sampler=rows,
            num_workers=self._workers,
            generator=torch.Generator(),
        )
        try:
            for images, labels in loader:
                yield ImageSet(images, labels).to(device)
        except DataError as error:
            # A worker's error brings its traceback as text.
            message = str(error).rpartition("DataError: ")[2]
            raise DataError(message.strip()) from error


class FileSplits(NamedTuple):
    """Images to train on, and images to validate with."""

    train: ImageFiles
    validation: ImageFiles


def load_files(
    source: str, root: Path, side: int, *, seed: int = 0, workers: int = 0
) -> FileSplits:
    """Images to train on, cropped and flipped at random, and to validate with.

    Parameters
    ----------
    source : str
        One of `SOURCES`.  torchvision compares the files of CIFAR with their published
        checksums before it opens them.
    root : Path
        Folder that CIFAR is in or is downloaded into, or that holds ``train/CLASS/*``
        and ``val/CLASS/*``.
    side : int
        Of the images, in pixels.  CIFAR's are magnified.
    seed, workers
        As for :class:`ImageFiles`.

    Returns
    -------
    FileSplits
        Of images (3, side, side), normalised as torchvision's networks expect.  Both
        number the classes alike.  For CIFAR, validation is its test split.

    Raises
    ------
    DataError
        If a folder is missing, or empty, or validation has a class that the training
        images have not.
    ValueError
        If there is no such source.
    """
    if source not in SOURCES:
        raise ValueError(f"source must be one of {SOURCES}, got {source!r}")
    finish = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    finish += [v2.Normalize(MEAN, STD)]
    flip = v2.RandomHorizontalFlip()
    if source == "folder":
        middle = [v2.Resize(round(side * 8 / 7)), v2.CenterCrop(side)]
        classes, splits = class_folders([root / "train", root / "val"])
        transforms = [v2.RandomResizedCrop(side), flip, *finish], [*middle, *finish]
        train, validation = (
            _Pictures(images, v2.Compose(steps))
            for images, steps in zip(splits, transforms, strict=True)
        )
    else:
        crop = [v2.RandomCrop(32, padding=4), flip, v2.Resize(side)]
        train, validation = (
            CIFAR[source](root, train=first, transform=transform, download=True)
            for first, transform in (
                (True, v2.Compose([*crop, *finish])),
                (False, v2.Compose([v2.Resize(side), *finish])),
            )
        )
        classes = train.classes
    options = {"seed": seed, "workers": workers}
    return FileSplits(
        ImageFiles(train, classes, **options),
        ImageFiles(validation, classes, **options),
    )


class _Pictures(Dataset[Any]):
    """Pictures read from their files, and their labels."""

    def __init__(self, images: Labelled, transform: v2.Transform) -> None:
        self._images, self._transform = images, transform

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Any:
        path, label = self._images[index]
        return self._transform(read_picture(path)), label


class _Seeded(Dataset[Any]):
    """Images whose random draws depend on a key and their index alone."""

    def __init__(self, images: Dataset[Any], key: tuple[int, ...]) -> None:
        self._images, self._key = images, key

    def __getitem__(self, index: int) -> Any:
        (seed,) = np.random.SeedSequence((*self._key, index)).generate_state(1)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(seed))
            return self._images[index]
