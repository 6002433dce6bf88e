"""Augmentations for training: which mixture, and what guides it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gradmask import lateral_saliency
from gradmask.lab.data.images import ImageSet
from gradmask.lab.measures.saliency.maps import grad_cam
from gradmask.lab.training.loop import Augment
from gradmask.lab.training.mixing import (
    anywhere,
    cutmix,
    mixup,
    paste,
    peaks,
    replace_background,
)

__all__ = ["GUIDES", "Mixture", "augmentation"]

GUIDES = ("random", "lateral", "Grad-CAM", "object")
"""What says where the object is: nothing, two saliency maps of the network as it is,
and the truth."""

GUIDED = ("paste", "background")
MIXTURES = ("mixup", "cutmix", *GUIDED)

PROBABILITY = 0.5


@dataclass(frozen=True)
class Mixture:
    """How two images of a batch become one.

    Parameters
    ----------
    mix : {"mixup", "cutmix", "paste", "background"}
        What is mixed.
    by : {"random", "lateral", "Grad-CAM", "object"}, default "random"
        For the last two, what says where the object is; one of `GUIDES`.
    side : int, optional
        For "background", the side of the square that is kept, in pixels.

    Raises
    ------
    ValueError
        If there is no such mixture or guide, or "background" has no side.
    """

    mix: str
    by: str = "random"
    side: int | None = None

    def __post_init__(self) -> None:
        if self.mix not in MIXTURES or self.by not in GUIDES:
            raise ValueError(f"no augmentation {self.mix!r} by {self.by!r}")
        if (self.side is not None) != (self.mix == "background"):
            raise ValueError(f"a side belongs to 'background' alone: {self}")

    @property
    def label(self) -> str:
        """What records call it, such as "cutmix" or "paste, lateral"."""
        return f"{self.mix}, {self.by}" if self.mix in GUIDED else self.mix


def augmentation(mixture: Mixture | None, *, seed: int) -> Augment | None:
    """Make the augmentation that mixes, for training.

    Half of the batches, drawn at random, are augmented; the others stay as they are.
    Variants of the same seed augment the same batches, and those of the same mixture
    mix the same images.

    Parameters
    ----------
    mixture : Mixture or None
        Which; None is no augmentation.
    seed : int
        Of the draws.

    Returns
    -------
    callable or None
        The augmentation, whose draws go on from batch to batch.
    """
    if mixture is None:
        return None
    mix = mixture.mix
    coins, draws, places = (
        torch.Generator().manual_seed(3 * seed + stream) for stream in range(3)
    )

    def augment(model: nn.Module, batch: ImageSet) -> tuple[Tensor, Tensor]:
        images, labels = batch.images, batch.labels
        if torch.rand((), generator=coins) >= PROBABILITY:
            return images, labels
        if mix == "mixup":
            return mixup(images, labels, draws)
        if mix == "cutmix":
            return cutmix(images, labels, draws)
        centres = _centres(mixture.by, model, batch, places)
        if mix == "paste":
            return paste(images, labels, centres, draws)
        assert mixture.side is not None
        return replace_background(images, labels, centres, mixture.side, draws)

    return augment


def _centres(
    by: str, model: nn.Module, batch: ImageSet, generator: torch.Generator
) -> Tensor:
    if by == "random":
        return anywhere(batch.images, generator)
    if by == "object":
        if batch.box is None:
            raise ValueError('the guide "object" needs images with boxes')
        return (batch.box[:, :2] + batch.box[:, 2:]) // 2
    saliency = lateral_saliency if by == "lateral" else grad_cam
    return peaks(saliency(model, batch.images, batch.labels))
