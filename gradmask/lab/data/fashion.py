"""Fashion-MNIST as tensors: the embedded subset, or the full set from one source."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gradmask.lab.data import embedded, published
from gradmask.lab.data.idx import DataError
from gradmask.lab.data.images import ImageSet
from gradmask.lab.settings import cache_folder

__all__ = ["CLASSES", "DataError", "FashionMNIST", "load_fashion_mnist"]

CLASSES: tuple[str, ...] = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
"""Name of each label."""

VARIABLE = "GRADMASK_FASHION_MNIST"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")

_VALIDATION = slice(-500, None)
_TRAIN = slice(None, -500)


@dataclass(frozen=True, repr=False)
class FashionMNIST:
    """Three disjoint splits of Fashion-MNIST.

    Attributes
    ----------
    train, validation : ImageSet
        Both from the official training split; grey images of 28x28 pixels, 0 being
        the background, and labels that are indices into `CLASSES`.
    test : ImageSet
        From the official test split.
    source : str
        Where the images were read from; shown by ``repr``.
    """

    train: ImageSet
    validation: ImageSet
    test: ImageSet
    source: str

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{len(getattr(self, name).labels):,} {name}"
            for name in ("train", "validation", "test")
        )
        return f"FashionMNIST({sizes}; {self.source})"


def load_fashion_mnist(
    root: str | Path | None = None, full: bool = False
) -> FashionMNIST:
    """Load Fashion-MNIST, by default the subset embedded in the package.

    The subset has 8,000 training, 2,000 validation and 2,000 test images. The full
    set has 55,000, 5,000 and 10,000, and every split of the subset lies within the
    split of the same name of the full set. All are balanced over the ten classes
    and keep the official order, which is a shuffled one.

    The full set comes from the first of these that is there:

    1. the folder `root`;
    2. the folder that the environment variable ``GRADMASK_FASHION_MNIST`` names;
    3. ``/usr/share/datasets/fashion-mnist``, of Debian's package
       ``dataset-fashion-mnist``;
    4. a download by torchvision into ``$XDG_CACHE_HOME/gradmask``
       (``~/.cache/gradmask``), made once.

    A source that is there and broken is an error: the next is not tried. The
    `repr` of what is returned names the source that was used.

    Parameters
    ----------
    root : str or Path, optional
        Folder of the four published files, gzipped or extracted, directly or under
        ``FashionMNIST/raw``. Implies `full`.
    full : bool, default False
        Whether to load the full set.

    Returns
    -------
    FashionMNIST
        The three splits and their source.

    Raises
    ------
    DataError
        If the source is missing, incomplete, damaged, or not the published data;
        the message names the file and the cure. Nothing is ever loaded in part.

    Examples
    --------
    >>> load_fashion_mnist()
    FashionMNIST(8,000 train, 2,000 validation, 2,000 test; embedded subset)
    """
    if root is None and not full:
        return _embedded()
    folder, origin = _full_source(root)
    (images, labels), test = published.read_folder(folder, published.SHA256)
    train = published.per_class(labels, _TRAIN)
    validation = published.per_class(labels, _VALIDATION)
    return FashionMNIST(
        _split(images[train], labels[train]),
        _split(images[validation], labels[validation]),
        _split(*test),
        f"full set from {folder}, {origin}",
    )


def _embedded() -> FashionMNIST:
    train, validation, test = (
        _split(part["image"], part["label"])
        for part in embedded.read_subset(embedded.ASSET)
    )
    return FashionMNIST(train, validation, test, "embedded subset")


def _split(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> ImageSet:
    pixels = torch.from_numpy(images.astype(np.float32) / np.float32(255))
    return ImageSet(pixels[:, None], torch.from_numpy(labels.astype(np.int64)))


def _full_source(root: str | Path | None) -> tuple[Path, str]:
    if root is not None:
        return Path(root).expanduser(), "the argument root"
    if variable := os.environ.get(VARIABLE):
        return Path(variable).expanduser(), f"the variable {VARIABLE}"
    if DEBIAN.is_dir():
        return DEBIAN, "Debian's package dataset-fashion-mnist"
    return _download(), "downloaded by torchvision"


def _download() -> Path:
    folder = cache_folder()
    cure = (
        "put the four published files into a folder and name it as root or in "
        f"{VARIABLE}, or use the embedded subset (full=False)"
    )
    try:
        from torchvision.datasets import FashionMNIST as Downloader

        Downloader(str(folder), download=True)
    except Exception as error:
        raise DataError(
            f"torchvision cannot download Fashion-MNIST into {folder} ({error}): "
            f"install torchvision, check the network, delete what is there, or {cure}"
        ) from error
    return folder
