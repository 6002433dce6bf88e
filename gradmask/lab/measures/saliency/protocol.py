"""All that can be asked of saliency maps without knowing where the object is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from time import perf_counter
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from gradmask.lab.measures.saliency.insertion import area, blurred, probability_curve
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.measures.saliency.sanity import cascade, rank_correlation

__all__ = [
    "Drawn",
    "agreement",
    "as_jpeg",
    "draw_all",
    "shifted",
    "similarity",
    "stability",
]

ByMap = dict[str, dict[str, Tensor]]
"""By map and by measure, a value for each image, of shape (N,)."""


class Drawn(NamedTuple):
    """Maps of some images, by name, and the wall-clock time for each image."""

    maps: dict[str, Tensor]
    seconds: dict[str, float]


def draw_all(network: nn.Module, images: Tensor, labels: Tensor) -> Drawn:
    """Draw every one of :data:`gradmask.lab.measures.saliency.maps.MAPS`, and time it.

    Parameters
    ----------
    network : nn.Module
        Takes images to logits; it is left as it is.
    images, labels : Tensor
        Shapes (N, C, H, W) and (N,).
    """
    drawn = Drawn({}, {})
    for name, draw in MAPS.items():
        begin = perf_counter()
        maps = draw(network, images, labels)
        if maps.is_cuda:
            torch.cuda.synchronize(maps.device)
        drawn.maps[name] = maps
        drawn.seconds[name] = (perf_counter() - begin) / len(images)
    return drawn


def agreement(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    maps: Mapping[str, Tensor],
    steps: int = 16,
) -> ByMap:
    """Areas under the curves of insertion and deletion.

    The measures are those of Petsiuk et al. (2018): "insertion", of which more is
    better, and "deletion", of which less is.
    """
    ways = {
        "insertion": (blurred(images), images),
        "deletion": (images, torch.zeros_like(images)),
    }
    return {
        name: {
            way: area(probability_curve(network, *ends, labels, own, steps)).cpu()
            for way, ends in ways.items()
        }
        for name, own in maps.items()
    }


def similarity(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    maps: Mapping[str, Tensor],
    *,
    seed: int,
) -> ByMap:
    """Rank correlation of maps with those of the network as it is made random.

    The layers are randomised from the logits' layer down; see
    :func:`gradmask.lab.measures.saliency.sanity.cascade`.  The measures are "random
    top" (the logits' layer alone), "random half" and "random all": less is better.
    """
    found: ByMap = {name: {} for name in maps}
    for key, randomised in _milestones(network, seed):
        for name, own in maps.items():
            other = MAPS[name](randomised, images, labels)
            found[name][key] = rank_correlation(own, other)
    return found


def stability(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    maps: Mapping[str, Tensor],
    *,
    pixels: int = 4,
    quality: int = 50,
) -> ByMap:
    """Rank correlation of maps with those of images changed in nothing that matters.

    The measures are "shift", in which the map of the shifted image is shifted
    back and only what both show is compared, and "jpeg": more is better.

    Parameters
    ----------
    network, images, labels
        As for :func:`draw_all`; the images are in colour, in [0, 1].
    maps : mapping of str to Tensor, shape (N, H, W)
        Of the images, by name.
    pixels : int, default 4
        How far the image is shifted each way.
    quality : int, default 50
        Of the JPEG, from 1 to 100.
    """
    height, width = images.shape[2:]
    moved, compressed = shifted(images, pixels), as_jpeg(images, quality)
    found: ByMap = {}
    for name, own in maps.items():
        before = own[:, : height - pixels, : width - pixels]
        after = MAPS[name](network, moved, labels)[:, pixels:, pixels:]
        again = MAPS[name](network, compressed, labels)
        found[name] = {
            "shift": rank_correlation(before, after),
            "jpeg": rank_correlation(own, again),
        }
    return found


def shifted(images: Tensor, pixels: int) -> Tensor:
    """Move images (N, C, H, W) down and to the right; their edges fill what is new."""
    height, width = images.shape[2:]
    wider = F.pad(images, (pixels, 0, pixels, 0), mode="replicate")
    return wider[..., :height, :width]


def as_jpeg(images: Tensor, quality: int) -> Tensor:
    """Images (N, 3, H, W) in [0, 1], compressed by JPEG of a quality from 1 to 100."""
    pixels = (255 * images).round().to("cpu", torch.uint8).permute(0, 2, 3, 1)
    kept = []
    for image in pixels.numpy():
        file = BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        kept.append(torch.from_numpy(np.array(Image.open(file))))
    return torch.stack(kept).permute(0, 3, 1, 2).to(images) / 255


def _milestones(network: nn.Module, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Yield the network with its uppermost layer, half of them, and all random."""
    last = sum(isinstance(m, nn.Conv2d | nn.Linear) for m in network.modules()) - 1
    depths = 0, last // 2, last
    names = "random top", "random half", "random all"
    randomised = cascade(network, seed=seed, depths=depths)
    for name, (_, one) in zip(names, randomised, strict=True):
        yield name, one
