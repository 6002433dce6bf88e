"""torchvision's networks on the laboratory's scenes: what a GPU trains."""

from __future__ import annotations

from functools import partial

from torch import nn
from torchvision.models import get_model
from torchvision.transforms.v2 import RGB

from gradmask.lab.networks.small import Normalise, seeded

__all__ = ["TORCHVISION", "torchvision_network"]

MAGNIFIED = 2


def torchvision_network(name: str, classes: int = 10, *, seed: int) -> nn.Sequential:
    """Build one of torchvision's networks, untrained, for grey images.

    They halve their maps five times; the image is magnified, so that something is left.

    Parameters
    ----------
    name : str
        What torchvision calls it, such as "resnet18".
    classes, seed
        As for :func:`gradmask.lab.networks.small.small_resnet`, as is what it takes and
        gives.

    Raises
    ------
    ValueError
        If torchvision has no such network.
    """
    with seeded(seed):
        return nn.Sequential(
            Normalise(0.3, 0.3),
            nn.Upsample(scale_factor=MAGNIFIED, mode="bilinear"),
            RGB(),
            get_model(name, weights=None, num_classes=classes),
        )


TORCHVISION = {
    name: partial(torchvision_network, name)
    for name in ("resnet18", "resnet50", "vgg16_bn", "mobilenet_v3_large")
}
"""torchvision's networks that are compared, by name."""
