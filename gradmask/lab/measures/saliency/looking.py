"""What a trained network says of one photograph, and the maps of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.networks.inspection import predict

__all__ = ["EXPLAINING", "Look", "look_at"]

EXPLAINING = tuple(MAPS)[:5]
"""Names of the maps that look at the network."""


class Look(NamedTuple):
    """A photograph, what a network says of it, and why.

    Attributes
    ----------
    image : Tensor, shape (3, H, W)
        The photograph, in [0, 1].
    answers : tuple of (str, float)
        The most probable classes and their probabilities, in falling order.
    maps : dict of str to Tensor, shape (H, W)
        By name, the maps of the first of these classes.
    """

    image: Tensor
    answers: tuple[tuple[str, float], ...]
    maps: dict[str, Tensor]


def look_at(
    network: nn.Module,
    image: Tensor,
    classes: Sequence[str],
    *,
    maps: Sequence[str] = EXPLAINING,
    count: int = 5,
) -> Look:
    """Ask a network for the classes of a photograph, and draw maps of the first.

    Parameters
    ----------
    network : nn.Module
        Takes images in [0, 1] to logits, such as one of
        :func:`gradmask.lab.networks.pretrained.pretrained`.
    image : Tensor, shape (3, H, W)
        In [0, 1].
    classes : sequence of str
        Names of the classes, in the order of the logits.
    maps : sequence of str, default `EXPLAINING`
        Which of :data:`gradmask.lab.measures.saliency.maps.MAPS`.
    count : int, default 5
        How many classes are named.
    """
    one = image[None].to(next(network.parameters()).device)
    probability = predict(network, one).softmax(1)
    highest, index = probability[0].topk(min(count, len(classes)))
    answers = zip(index.tolist(), highest.tolist(), strict=True)
    return Look(
        image.cpu(),
        tuple((classes[number], share) for number, share in answers),
        {name: MAPS[name](network, one, index[:1])[0].cpu() for name in maps},
    )
