"""The images that comparisons train and test on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, Self

import torch
from torch import Tensor

from gradmask.lab.data.benchmarks import Benchmark, load_benchmark
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet, random_part
from gradmask.lab.data.scenes import STANDARD, Clutter, scene_splits
from gradmask.lab.data.shortcuts import misleading

__all__ = [
    "THOUSAND_SCENES",
    "BenchmarkImages",
    "FashionImages",
    "Images",
    "SceneImages",
    "StripedImages",
    "with_label_noise",
]


@dataclass(frozen=True, kw_only=True)
class Images(ABC):
    """How many images, and which.

    Parameters
    ----------
    training, test : int, default 1000
        How many.
    """

    kind: ClassVar[str]

    training: int = 1000
    test: int = 1000

    def __post_init__(self) -> None:
        if self.training < 1 or self.test < 1:
            raise ValueError(f"no images to train or test on: {self}")

    @abstractmethod
    def splits(self, seed: int) -> tuple[ImageSet, ImageSet]:
        """Images to train on and images to test on."""

    def smoke(self) -> Self:
        """Take fewer."""
        return replace(self, training=64, test=20)


@dataclass(frozen=True, kw_only=True)
class FashionImages(Images):
    """Fashion-MNIST itself, whose objects fill the frame: the same for every seed."""

    kind: ClassVar[str] = "fashion"

    def splits(self, seed: int) -> tuple[ImageSet, ImageSet]:  # noqa: D102
        data = load_fashion_mnist()
        return data.train[: self.training], data.test[: self.test]


@dataclass(frozen=True, kw_only=True)
class BenchmarkImages(Images):
    """A standard benchmark, whole: the same for every seed.

    Parameters
    ----------
    name : str
        One of :data:`gradmask.lab.data.benchmarks.BENCHMARKS`.
    training, test : int
        How many; the official splits, or what is drawn of them.
    held_out : bool, default False
        Whether to test on a part of the training split that is held out, to choose
        by, in place of the official test split.
    """

    kind: ClassVar[str] = "benchmark"

    name: str
    held_out: bool = False

    @property
    def source(self) -> str:
        """Where they come from, and in what form."""
        return _benchmark(self.name).source

    def splits(self, seed: int) -> tuple[ImageSet, ImageSet]:  # noqa: D102
        data = _benchmark(self.name)
        training, test = data.training, data.test
        if self.held_out:
            training, test = data.validation()
        return _part(training, self.training), _part(test, self.test)

    def smoke(self) -> Self:
        """Take a few images of the subset that the package holds."""
        return replace(super().smoke(), name="fashion_subset")


@lru_cache(maxsize=1)
def _benchmark(name: str) -> Benchmark:
    """What the plan before has loaded, most often."""
    return load_benchmark(name)


def _part(images: ImageSet, count: int) -> ImageSet:
    return images if count >= len(images) else random_part(images, count, seed=0)


@dataclass(frozen=True, kw_only=True)
class SceneImages(Images):
    """Cluttered scenes.

    Parameters
    ----------
    training, test : int, default 1000
        How many.
    clutter : Clutter, default ``Clutter()``
        How hard they are.
    label_noise : float, default 0
        Share of the training labels that are drawn anew, uniformly from all ten.

    Raises
    ------
    ValueError
        If a number is negative or no share.
    """

    kind: ClassVar[str] = "scenes"

    clutter: Clutter = STANDARD
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.label_noise <= 1:
            raise ValueError(f"label_noise must lie in 0..1, is {self.label_noise}")

    def splits(self, seed: int) -> tuple[ImageSet, ImageSet]:  # noqa: D102
        sizes = (self.training, 1, self.test)
        scenes = scene_splits(
            load_fashion_mnist(), *sizes, seed=seed, clutter=self.clutter
        )
        labels = with_label_noise(scenes.train.labels, self.label_noise, seed)
        return replace(scenes.train, labels=labels), scenes.test


THOUSAND_SCENES = SceneImages()
"""A thousand to train on, as many to test on, of the default difficulty."""


@dataclass(frozen=True, kw_only=True)
class StripedImages(Images):
    """Cluttered scenes before stripes, which always mislead in the test scenes.

    Parameters
    ----------
    training, test : int, default 1000
        How many.
    agreement : float
        In what share of the training scenes stripes tell the object's class.

    Raises
    ------
    ValueError
        If a number is negative or no share.
    """

    kind: ClassVar[str] = "striped scenes"

    agreement: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.agreement <= 1:
            raise ValueError(f"agreement must lie in 0..1, is {self.agreement}")

    def splits(self, seed: int) -> tuple[ImageSet, ImageSet]:  # noqa: D102
        sizes = (self.training, 1, self.test)
        scenes = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
        return (
            misleading(scenes.train, self.agreement, seed=seed),
            misleading(scenes.test, 0.0, seed=seed),
        )


def with_label_noise(labels: Tensor, share: float, seed: int) -> Tensor:
    """Replace a share of the labels by labels drawn uniformly from all ten."""
    generator = torch.Generator().manual_seed(seed)
    replaced = torch.rand(len(labels), generator=generator) < share
    drawn = torch.randint(10, labels.shape, generator=generator)
    return torch.where(replaced, drawn, labels)
