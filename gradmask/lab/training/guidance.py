"""Augmentations for training: which mixture, and what guides it."""

from __future__ import annotations

from typing import Any

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

__all__ = ["GUIDES", "augmentation"]

GUIDES = ("random", "lateral", "Grad-CAM", "object")
"""What says where the object is: nothing, two saliency maps of the network as it is,
and the truth."""

PROBABILITY = 0.5


def augmentation(options: dict[str, Any] | None, *, seed: int) -> Augment | None:
    """Make the augmentation that options describe, for training.

    Half of the batches, drawn at random, are augmented; the others stay as they are.
    Variants of the same seed augment the same batches, and those of the same mixture
    mix the same images.

    Parameters
    ----------
    options : dict or None
        "mix": "mixup", "cutmix", "paste" or "background".  For the last two also "by",
        one of `GUIDES`; for the last "side", of the square that is kept, in pixels.
        None is no augmentation.
    seed : int
        Of the draws.

    Returns
    -------
    callable or None
        The augmentation, whose draws go on from batch to batch.

    Raises
    ------
    ValueError
        If there is no such mixture or guide.
    """
    if options is None:
        return None
    mix, by = options["mix"], options.get("by", "random")
    if mix not in ("mixup", "cutmix", "paste", "background") or by not in GUIDES:
        raise ValueError(f"no augmentation {mix!r} by {by!r}")
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
        centres = _centres(by, model, batch, places)
        if mix == "paste":
            return paste(images, labels, centres, draws)
        return replace_background(images, labels, centres, options["side"], draws)

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
