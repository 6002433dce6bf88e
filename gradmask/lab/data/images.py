"""Sets of images: what is trained on and measured on, whatever it shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

__all__ = ["Batches", "ImageSet", "intensities", "random_part"]


class Batches(Protocol):
    """What can be trained on: an :class:`ImageSet`, or images read from files."""

    def __len__(self) -> int:
        """Return the number of images."""

    def to(self, device: torch.device) -> Self:
        """Bring what is kept in memory to a device."""

    def batches(
        self, indices: Iterable[Tensor], device: torch.device
    ) -> Iterator[ImageSet]:
        """Yield the images of every row of indices, on a device."""


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """Images in memory, and what is known of them.

    ``images[i]``, with an index, a slice, a bool mask or a tensor of indices, selects
    from all fields alike; a single index keeps the first axis.

    Attributes
    ----------
    images : Tensor of float32 or uint8, shape (N, C, H, W)
        Intensities in [0, 1]; or bytes, a quarter as large, which batches and whatever
        looks at images bring there (``intensities``).
    labels : Tensor of int64, shape (N,)
        The class of each image; or, for a dense prediction, of each pixel, (N, H, W).
    mask : Tensor of bool, shape (N, H, W), optional
        True on the object.
    box : Tensor of int64, shape (N, 4), optional
        The object's box (x0, y0, x1, y1), in pixels; x1 and y1 excluded.
    """

    images: Tensor
    labels: Tensor
    mask: Tensor | None = None
    box: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        size = "x".join(map(str, self.images.shape[1:]))
        return f"{type(self).__name__}({len(self):,} images of {size})"

    def __getitem__(self, index: int | slice | Tensor) -> Self:
        if isinstance(index, int):
            index = torch.arange(len(self))[index][None]
        return replace(self, **{name: t[index] for name, t in self._known().items()})

    def to(self, device: torch.device | str) -> Self:
        """Move every field to a device."""
        return replace(
            self, **{name: t.to(device) for name, t in self._known().items()}
        )

    def batches(
        self, indices: Iterable[Tensor], device: torch.device
    ) -> Iterator[Self]:
        """Yield the images of every row of indices, on a device, as intensities."""
        here = self.to(device)
        for row in indices:
            batch = here[row.to(device)]
            yield replace(batch, images=intensities(batch.images))

    def _known(self) -> dict[str, Tensor]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: t for name, t in values.items() if t is not None}


def intensities(images: Tensor) -> Tensor:
    """Bring bytes to intensities in [0, 1], and leave intensities as they are.

    Examples
    --------
    >>> intensities(torch.tensor([0, 51, 255], dtype=torch.uint8))
    tensor([0.0000, 0.2000, 1.0000])
    """
    return images.float() / 255 if images.dtype == torch.uint8 else images


Images = TypeVar("Images", bound=ImageSet)


def random_part(images: Images, count: int, *, seed: int) -> Images:
    """Draw some of a set of images at random, for measuring what single samples share.

    The first images of a set are balanced over the classes: two of them are of one
    class more seldom than two independent ones, which would bias Q downwards.

    Parameters
    ----------
    images : ImageSet
        The set.
    count : int
        How many to draw, at most as many as there are.
    seed : int
        Of the draw.

    Returns
    -------
    ImageSet
        Of the same type.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return images[order[:count]]
