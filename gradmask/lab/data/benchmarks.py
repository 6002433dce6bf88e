"""Standard benchmarks: CIFAR-10, CIFAR-100, Imagenette and Fashion-MNIST.

A benchmark comes from class folders or by torchvision, which downloads and checks it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torchvision import datasets

from gradmask.lab.data.class_folders import class_folders
from gradmask.lab.data.decoded import decoded
from gradmask.lab.data.fashion import CLASSES, FashionMNIST, load_fashion_mnist
from gradmask.lab.data.folders import CIFAR
from gradmask.lab.data.idx import DataError
from gradmask.lab.data.images import ImageSet
from gradmask.lab.settings import cache_folder

__all__ = ["BENCHMARKS", "Benchmark", "load_benchmark"]

VARIABLE = "GRADMASK_BENCHMARKS"

SIDES = {"cifar10": 32, "cifar100": 32, "imagenette": 128}

BENCHMARKS = (*SIDES, "fashion_mnist", "fashion_subset")
"""Their names; the last is the subset of Fashion-MNIST that the package holds."""

HELD_OUT = 10


@dataclass(frozen=True, repr=False)
class Benchmark:
    """The official splits of a benchmark.

    Attributes
    ----------
    training, test : ImageSet
        The two official splits.
    classes : tuple of str
        Names of the classes, in the order of the labels.
    source : str
        Where the images come from; shown by ``repr``.
    """

    training: ImageSet
    test: ImageSet
    classes: tuple[str, ...]
    source: str

    def __repr__(self) -> str:
        sizes = f"{len(self.training):,} training, {len(self.test):,} test"
        return f"Benchmark({sizes}, {len(self.classes)} classes; {self.source})"

    def validation(self) -> tuple[ImageSet, ImageSet]:
        """Cut the training split: the last tenth of every class is held out.

        Returns
        -------
        training, validation : ImageSet
            Nine tenths to train on, and a tenth to make choices by.
        """
        labels = self.training.labels
        held_out = torch.zeros(len(labels), dtype=torch.bool)
        for label in labels.unique():
            members = (labels == label).nonzero().flatten()
            held_out[members[len(members) - len(members) // HELD_OUT :]] = True
        return self.training[~held_out], self.training[held_out]


def load_benchmark(name: str, root: str | Path | None = None) -> Benchmark:
    """Load a benchmark into memory.

    Class folders are ``ROOT/train/CLASS/*`` and ``ROOT/test/CLASS/*`` (or ``val``).
    ROOT is the folder `root`, or else the folder of the benchmark's name within the one
    that the environment variable ``GRADMASK_BENCHMARKS`` names.  Where neither is
    given, torchvision downloads the official files, once.  Fashion-MNIST comes from
    where :func:`gradmask.lab.data.fashion.load_fashion_mnist` finds it.

    Parameters
    ----------
    name : str
        One of `BENCHMARKS`.
    root : str or Path, optional
        Folder of the two splits.

    Returns
    -------
    Benchmark
        CIFAR's images have 32x32 pixels and Imagenette's 128x128, as bytes;
        Fashion-MNIST's lie in the middle of 32x32, as intensities.

    Raises
    ------
    ValueError
        If there is no such benchmark.
    DataError
        If it cannot be loaded whole; the message names the file and the cure.
    """
    if name not in BENCHMARKS:
        raise ValueError(f"no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    if name.startswith("fashion"):
        return _fashion(load_fashion_mnist(root, full=name == "fashion_mnist"))
    if root is None and os.environ.get(VARIABLE):
        root = Path(os.environ[VARIABLE]).expanduser() / name
    if root is not None:
        return _from_folders(name, Path(root).expanduser())
    return _downloaded(name)


def _fashion(data: FashionMNIST) -> Benchmark:
    framed, rest, test = (
        replace(one, images=F.pad(one.images, (2,) * 4))
        for one in (data.train, data.validation, data.test)
    )
    images = torch.cat([framed.images, rest.images])
    training = ImageSet(images, torch.cat([framed.labels, rest.labels]))
    embedded = data.source == "embedded subset"
    source = data.source if embedded else "official files, by their checksums"
    return Benchmark(training, test, CLASSES, source)


def _from_folders(name: str, root: Path) -> Benchmark:
    if not root.is_dir():
        raise DataError(
            f"there is no folder {root}: it should hold {name} as train/CLASS/* and "
            f"test/CLASS/*, or else unset {VARIABLE} to have it downloaded"
        )
    held_out = "test" if (root / "test").is_dir() else "val"
    places = root / "train", root / held_out
    classes, splits = class_folders(places)
    for place, images in zip(places, splits, strict=True):
        if missing := sorted(set(classes) - {classes[label] for _, label in images}):
            raise DataError(f"{place} lacks classes: {', '.join(missing)}")
    training, test = (decoded(one, SIDES[name], title=name) for one in splits)
    return Benchmark(training, test, classes, _source(root))


def _source(root: Path) -> str:
    """Say where images come from, and in what form, if a note with them does."""
    note = root / "SOURCE"
    said = f", {note.read_text('utf-8').strip()}" if note.is_file() else ""
    return f"class folders{said}"


def _downloaded(name: str) -> Benchmark:
    if name == "imagenette":
        for split in ("train", "val"):
            _fetch(name, datasets.Imagenette, split=split, size="160px")
        found = _from_folders(name, cache_folder() / "imagenette2-160")
        return replace(found, source=_OFFICIAL)
    training, test = (_fetch(name, CIFAR[name], train=first) for first in (True, False))
    classes = tuple(training.classes)
    return Benchmark(_arrays(training), _arrays(test), classes, _OFFICIAL)


_OFFICIAL = "official files, by torchvision"


def _arrays(split: Any) -> ImageSet:
    images = torch.from_numpy(split.data).permute(0, 3, 1, 2).contiguous()
    return ImageSet(images, torch.tensor(split.targets))


def _fetch(name: str, kind: Callable[..., Any], **split: Any) -> Any:
    try:
        return kind(str(cache_folder()), download=True, **split)
    except Exception as error:
        raise DataError(
            f"torchvision cannot download {name} into {cache_folder()} ({error}): "
            "check the network and delete what is there, or put class folders "
            f"{name}/train/CLASS/* and {name}/test/CLASS/* into a folder that "
            f"{VARIABLE} names"
        ) from error
