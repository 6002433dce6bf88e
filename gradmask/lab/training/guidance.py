"""Augmentations for training: which mixture, and what guides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gradmask import lateral_saliency
from gradmask.lab.data.scenes import Scenes
from gradmask.lab.measures.saliency.maps import grad_cam
from gradmask.lab.training.mixing import (
    anywhere,
    cutmix,
    mixup,
    paste,
    peaks,
    replace_background,
)

__all__ = ["GUIDES", "Augment", "augmentation"]

Augment = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Takes a network, images and labels to images and targets to train on."""

GUIDES = ("random", "lateral", "Grad-CAM", "object")
"""What says where the object is: nothing, two saliency maps of the network as it is,
and the truth."""

PROBABILITY = 0.5


def augmentation(
    options: dict[str, Any] | None, training: Scenes, *, seed: int
) -> Augment | None:
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
    training : Scenes
        The training set, which the guide "object" knows.
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

    def augment(
        model: nn.Module, images: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        if torch.rand((), generator=coins) >= PROBABILITY:
            return images, labels
        if mix == "mixup":
            return mixup(images, labels, draws)
        if mix == "cutmix":
            return cutmix(images, labels, draws)
        centres = _centres(by, model, images, labels, training, places)
        if mix == "paste":
            return paste(images, labels, centres, draws)
        return replace_background(images, labels, centres, options["side"], draws)

    return augment


def _centres(
    by: str,
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    training: Scenes,
    generator: torch.Generator,
) -> Tensor:
    if by == "random":
        return anywhere(images, generator)
    if by == "object":
        return _true_centres(images, training)
    saliency = lateral_saliency if by == "lateral" else grad_cam
    return peaks(saliency(model, images, labels))


def _true_centres(images: Tensor, training: Scenes) -> Tensor:
    """Middles of the objects' boxes; a training scene is known by its pixels."""
    known = training.images.to(images.device).flatten(1)
    index = torch.cdist(images.flatten(1), known).argmin(1)
    boxes = training.box.to(images.device)[index]
    return (boxes[:, :2] + boxes[:, 2:]) // 2
