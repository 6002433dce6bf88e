"""Sanity checks: a map that explains a network must change with the network.

Adebayo et al., *Sanity checks for saliency maps*, NeurIPS 2018: randomise the weights,
or the labels that they were trained on, and see whether the map is still the same.
"""

from __future__ import annotations

import copy
from collections.abc import Container, Iterator
from dataclasses import replace

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from gradmask.lab.data.images import ImageSet
from gradmask.lab.measures.saliency.maps import SaliencyMap
from gradmask.lab.networks.small import seeded

__all__ = [
    "cascade",
    "correlation_after_randomisation",
    "random_labels",
    "rank_correlation",
]


def cascade(
    model: nn.Module, *, seed: int, depths: Container[int] | None = None
) -> Iterator[tuple[str, nn.Module]]:
    """Randomise a network from the top: the logits' layer, then all down to the first.

    A layer is a convolution with the normalisation that follows it, or a linear layer;
    it is initialised anew, as PyTorch does by default.  Statistics of normalisations
    are reset with it.

    Parameters
    ----------
    model : nn.Module
        A network whose modules are in the order in which they are called.
    seed : int
        Of the weights, seed + d for the d-th layer from the top; the global random
        state is left alone.
    depths : container of int, optional
        Which networks to yield: 0 for the one whose uppermost layer alone is random.
        Default: all.

    Yields
    ------
    str
        Name of the layer that was randomised last.
    nn.Module
        A copy of the network, of its own, with this layer and all above it random.
    """
    current = copy.deepcopy(model)
    layers: list[tuple[str, list[nn.Module]]] = []
    for name, module in current.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            layers.append((name, [module]))
        elif isinstance(module, nn.BatchNorm2d) and layers:
            layers[-1][1].append(module)
    for depth, (name, modules) in enumerate(reversed(layers)):
        with seeded(seed + depth):
            for module in modules:
                module.reset_parameters()  # type: ignore[operator]
        if depths is None or depth in depths:
            yield name, copy.deepcopy(current)


def correlation_after_randomisation(
    draw: SaliencyMap, model: nn.Module, images: Tensor, labels: Tensor, *, seed: int
) -> dict[str, Tensor]:
    """Rank correlation of the maps of a network with those while it is randomised.

    Parameters
    ----------
    draw : callable
        The map, such as those of :data:`gradmask.lab.measures.saliency.maps.MAPS`.
    model : nn.Module
        The network, left as it is.
    images, labels : Tensor
        Shapes (N, C, H, W) and (N,).
    seed : int
        Of :func:`cascade`.

    Returns
    -------
    dict of str to Tensor of shape (N,)
        By the name of the layer that was randomised last, from the top down.
    """
    original = draw(model, images, labels)
    return {
        name: rank_correlation(original, draw(randomised, images, labels))
        for name, randomised in cascade(model, seed=seed)
    }


def rank_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Spearman's rank correlation of pairs of maps (N, H, W), of shape (N,).

    Zero where a map is constant, for that orders nothing.
    """
    ranks = (stats.rankdata(maps.flatten(1).cpu(), axis=1) for maps in (a, b))
    one, two = (rank - rank.mean(1, keepdims=True) for rank in ranks)
    norm = np.sqrt((one**2).sum(1) * (two**2).sum(1))
    return torch.from_numpy((one * two).sum(1) / np.where(norm > 0, norm, 1))


def random_labels(images: ImageSet, *, seed: int) -> ImageSet:
    """Deal the labels of a set out anew, at random: nothing is left to learn but them.

    The images stay as they are, and every class keeps its number of images.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return replace(images, labels=images.labels[order])
