"""How well saliency maps find and explain the objects of photographs with boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from gradmask.lab.data.idx import DataError
from gradmask.lab.data.photographs import Photographs
from gradmask.lab.measures.saliency.localisation import eligible, localisation
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.measures.saliency.protocol import (
    agreement,
    draw_all,
    similarity,
    stability,
)
from gradmask.lab.reports.stats import Interval, mean_interval

__all__ = ["MEASURES", "TOLERANCE", "measure_photographs"]

TOLERANCE = 15
"""Of the pointing game, in pixels: as its authors play it."""

MEASURES = {
    "finds the object": ("iou", "mean iou", "pointing", "energy in box"),
    "the network agrees": ("insertion", "deletion"),
    "similar after randomisation": ("random top", "random half", "random all"),
    "similar after a small change": ("shift", "jpeg"),
    "costs": ("seconds",),
}
"""What is measured, by what it is about."""


def measure_photographs(
    network: nn.Module,
    photographs: Photographs,
    *,
    costly: int = 50,
    batch_size: int = 16,
    seed: int = 0,
) -> dict[str, dict[str, Interval]]:
    """Put every map of a network to the whole protocol.

    On the images that are :func:`gradmask.lab.measures.saliency.localisation.eligible`,
    with a pointing game that tolerates 15 pixels.  What takes long, all that needs no
    box, is measured on the first of them alone.

    Parameters
    ----------
    network : nn.Module
        Takes images in [0, 1] to logits, in the order of the classes.
    photographs : Photographs
        The images.
    costly : int, default 50
        On how many images the costly measures are taken; none of them if 0.
    batch_size : int, default 16
        Images at once.
    seed : int, default 0
        Of the networks that are made random.

    Returns
    -------
    dict of str to dict of str to Interval
        By map and measure (`MEASURES`), over the images.

    Raises
    ------
    DataError
        If fewer than two images are eligible.
    """
    found: dict[str, defaultdict[str, list[float]]]
    found = {name: defaultdict(list) for name in MAPS}
    left = costly
    for images, labels, box in _eligible(network, photographs, batch_size):
        drawn = draw_all(network, images, labels)
        for name, seconds in drawn.seconds.items():
            found[name]["seconds"] += [seconds] * len(images)
        measured = [
            {
                name: localisation(own, box, tolerance=TOLERANCE)
                for name, own in drawn.maps.items()
            }
        ]
        few, left = images[:left], max(0, left - len(images))
        if count := len(few):
            what = network, few, labels[:count]
            maps = {name: own[:count] for name, own in drawn.maps.items()}
            measured += [
                agreement(*what, maps),
                similarity(*what, maps, seed=seed),
                stability(*what, maps),
            ]
        for by_map in measured:
            for name, measures in by_map.items():
                for key, values in measures.items():
                    found[name][key] += values.tolist()
    if len(found["random"]["iou"]) < 2:
        raise DataError(
            "fewer than two images are classified correctly and have a box that covers "
            "at most half of them"
        )
    return {
        name: {key: mean_interval(v) for key, v in measures.items() if len(v) > 1}
        for name, measures in found.items()
    }


def _eligible(
    network: nn.Module, photographs: Photographs, batch_size: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    device = next(network.parameters()).device
    for batch in tqdm(DataLoader(photographs, batch_size), leave=False):
        images, labels, box = (part.to(device) for part in batch)
        keep = eligible(network, images, labels, box)
        if torch.any(keep):
            yield images[keep], labels[keep], box[keep]
