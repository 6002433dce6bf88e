"""Folders of classes: which images there are, numbered alike in every split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torchvision.datasets.folder import IMG_EXTENSIONS

from gradmask.lab.data.idx import DataError

__all__ = ["Labelled", "class_folders"]

Labelled = list[tuple[Path, int]]
"""Images and their labels."""


def class_folders(folders: Sequence[Path]) -> tuple[tuple[str, ...], list[Labelled]]:
    """Images in folders of classes, numbered by the classes of the first split.

    Parameters
    ----------
    folders : sequence of Path
        The splits, the training images first: ``FOLDER/CLASS/*``, at any depth below
        the class.

    Returns
    -------
    classes : tuple of str
        Names of the first split's classes, sorted: the order of the labels.
    images : list of list of (Path, int)
        For every split its images and their labels, in the order of classes and names.

    Raises
    ------
    DataError
        If a folder is missing or empty, a class has no images, or a split has a class
        that the first has not; the message names it.
    """
    named = [_classes(folder) for folder in folders]
    classes = named[0]
    for folder, own in zip(folders, named, strict=True):
        if unknown := sorted(set(own) - set(classes)):
            raise DataError(
                f"{folder} has classes that {folders[0]} has not: {', '.join(unknown)}"
            )
    splits = [
        [(path, classes.index(one)) for one in own for path in _images(folder / one)]
        for folder, own in zip(folders, named, strict=True)
    ]
    return tuple(classes), splits


def _classes(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}: it should hold a folder a class")
    found = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if not found:
        raise DataError(f"{folder} holds no folders: it should hold one for each class")
    return found


def _images(folder: Path) -> list[Path]:
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMG_EXTENSIONS)
    if not found:
        kinds = ", ".join(IMG_EXTENSIONS)
        raise DataError(f"{folder} holds no images ({kinds}): add some, or remove it")
    return found
