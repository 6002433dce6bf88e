"""Photographs of ImageNet's validation set: those of Imagenette's ten classes.

They lie where ``GRADMASK_BENCHMARKS`` says, in ``imagenette-224/WNID/*``; of the files
there, those named ``ILSVRC2012_val_*`` are taken, fifty of a class.
"""

from __future__ import annotations

import os
from pathlib import Path

from gradmask.lab.data.benchmarks import VARIABLE
from gradmask.lab.data.class_folders import Labelled
from gradmask.lab.data.idx import DataError

__all__ = ["FOLDER", "TEN", "first_of_each", "validation_photographs"]

FOLDER = "imagenette-224"

TEN = {
    "n01440764": 0,
    "n02102040": 217,
    "n02979186": 482,
    "n03000684": 491,
    "n03028079": 497,
    "n03394916": 566,
    "n03417042": 569,
    "n03425413": 571,
    "n03445777": 574,
    "n03888257": 701,
}
"""Imagenette's classes by their names in WordNet: their indices among the thousand."""


def validation_photographs(root: Path | None = None) -> Labelled:
    """Find the photographs, sorted by class and name.

    Parameters
    ----------
    root : Path, optional
        Folder of the class folders, at any depth.  Default: the one described above.

    Returns
    -------
    list of (Path, int)
        Files, and the indices of their classes among ImageNet's thousand.

    Raises
    ------
    DataError
        If a class has no such photograph.
    """
    if root is None:
        root = Path(os.environ.get(VARIABLE, ".")).expanduser() / FOLDER
    found = [
        (path, label)
        for name, label in TEN.items()
        for path in sorted(root.rglob(f"{name}/ILSVRC2012_val_*"))
    ]
    if missing := set(TEN.values()) - {label for _, label in found}:
        names = [name for name, label in TEN.items() if label in missing]
        raise DataError(
            f"{root} holds no photographs {names[0]}/ILSVRC2012_val_*: unpack "
            f"Imagenette there, and name the folder above it in {VARIABLE}"
        )
    return found


def first_of_each(count: int, root: Path | None = None) -> Labelled:
    """The first photographs of each class, by name; parameters and errors as above."""
    own: dict[int, list[Path]] = {}
    for path, label in validation_photographs(root):
        own.setdefault(label, []).append(path)
    return [(path, label) for label, paths in own.items() for path in paths[:count]]
