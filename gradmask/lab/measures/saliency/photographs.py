"""How well saliency maps find the objects of photographs."""

from __future__ import annotations

from collections import defaultdict

from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from gradmask.lab.data.idx import DataError
from gradmask.lab.data.photographs import Photographs
from gradmask.lab.measures.saliency.localisation import eligible, localisation
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.reports.stats import Interval, mean_interval

__all__ = ["TOLERANCE", "localise_photographs"]

TOLERANCE = 15
"""Of the pointing game, in pixels: as its authors play it."""


def localise_photographs(
    model: nn.Module, photographs: Photographs, batch_size: int = 16
) -> dict[str, dict[str, Interval]]:
    """Measure how well every map of a network finds the objects.

    On the images that are :func:`gradmask.lab.measures.saliency.localisation.eligible`,
    with a pointing game that tolerates 15 pixels.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits, in the order of the classes.
    photographs : Photographs
        The images.
    batch_size : int, default 16
        Images at once.

    Returns
    -------
    dict of str to dict of str to Interval
        By map and measure, over the images.

    Raises
    ------
    DataError
        If fewer than two images are eligible.
    """
    device = next(model.parameters()).device
    found: dict[str, defaultdict[str, list[float]]]
    found = {name: defaultdict(list) for name in MAPS}
    for batch in tqdm(DataLoader(photographs, batch_size), leave=False):
        images, labels, box = (part.to(device) for part in batch)
        keep = eligible(model, images, labels, box)
        images, labels, box = images[keep], labels[keep], box[keep]
        for name, draw in MAPS.items() if len(images) else ():
            saliency = draw(model, images, labels)
            for key, values in localisation(saliency, box, tolerance=TOLERANCE).items():
                found[name][key] += values.tolist()
    if len(found["random"]["iou"]) < 2:
        raise DataError(
            "fewer than two images are classified correctly and have a box that covers "
            "at most half of them"
        )
    return {
        name: {key: mean_interval(values) for key, values in measures.items()}
        for name, measures in found.items()
    }
