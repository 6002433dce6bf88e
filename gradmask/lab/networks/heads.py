"""Other heads for the small ResNet: how a layer's errors look depends on what is above.

The body ends in a map of 8 by 8 positions for an image of 32 by 32.  Global average
pooling hands every position of it the same error but for the ReLU below; a flattened
head its own; max pooling one position per channel; a dense head, which names every
pixel, an error where that pixel is wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from gradmask.lab.data.images import ImageSet
from gradmask.lab.data.scenes import Scenes
from gradmask.lab.networks.small import seeded, small_resnet

__all__ = ["HEADS", "resnet_with_head", "targets"]

CLASSES = 10
STRIDE = 4

HEADS: dict[str, Callable[[int], list[nn.Module]]] = {
    "average": lambda width: [
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, CLASSES),
    ],
    "flatten": lambda width: [
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(width * 4 * 4, CLASSES),
    ],
    "max": lambda width: [
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(width, CLASSES),
    ],
    "dense": lambda width: [
        nn.Conv2d(width, 2, 1),
        nn.Upsample(scale_factor=STRIDE, mode="bilinear"),
    ],
}
"""Modules that stand behind the body, by name, as functions of its width."""


def resnet_with_head(head: str, *, seed: int) -> nn.Sequential:
    """Small ResNet with another head on the same initial body.

    Parameters
    ----------
    head : {"average", "flatten", "max", "dense"}
        Which head: three for the object's class, and one for its mask.
    seed : int
        Of the initial weights; the global random state is left alone.

    Returns
    -------
    nn.Sequential
        Takes images (B, 1, H, W), sides a multiple of four, to logits: (B, 10), or
        (B, 2, H, W) for the dense head.

    Raises
    ------
    ValueError
        If there is no such head.
    """
    if head not in HEADS:
        raise ValueError(f"no head {head!r}; there are {', '.join(HEADS)}")
    model = small_resnet(seed=seed)
    *body, _, _, linear = model
    assert isinstance(linear, nn.Linear)
    with seeded(seed):
        return nn.Sequential(*body, *HEADS[head](linear.in_features))


def targets(head: str, scenes: Scenes) -> ImageSet:
    """Scenes with what a head is to predict: the class, or every pixel's own.

    Returns
    -------
    ImageSet
        The images, and labels of shape (N,) or, for the dense head, (N, H, W), one on
        the object and zero outside it.
    """
    dense = head == "dense"
    return ImageSet(scenes.images, scenes.mask.long() if dense else scenes.labels)
