"""Pruning: how much of a network can be set to zero before it fails."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.utils import prune

from gradmask.lab.data.images import ImageSet
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.networks.inspection import deep_copy

__all__ = ["accuracy_over_sparsity", "pruned_copy"]


def pruned_copy(
    model: nn.Module, sparsity: float, *, structured: bool = False, keep: bool = False
) -> nn.Module:
    """Copy of a network whose smallest weights are zero.

    Biases and normalisations are left alone.  What remains of a pruned channel is the
    constant that these make of zero.

    Parameters
    ----------
    model : nn.Module
        It is copied, without any Gradient Mask, and left as it is.  It may be such a
        copy itself: then its zeros go first.
    sparsity : float
        Share of zeros, from 0 to 1, rounded to whole weights or channels.
    structured : bool, default False
        Default: the weights of smallest magnitude among those of all convolutions and
        linear layers together.  True: in every convolution the output channels whose
        weights have the smallest L2 norm.
    keep : bool, default False
        Whether the zeros stay zero while the copy is trained.

    Returns
    -------
    nn.Module
        The copy.  With `keep` its weights are parametrised by
        :mod:`torch.nn.utils.prune`.

    Raises
    ------
    ValueError
        If sparsity lies outside [0, 1].

    References
    ----------
    Han et al., *Learning both weights and connections for efficient neural networks*,
    NeurIPS 2015.  Li et al., *Pruning filters for efficient ConvNets*, ICLR 2017, by
    the L1 norm.

    Examples
    --------
    >>> from gradmask.lab.networks.small import small_cnn
    >>> bool((pruned_copy(small_cnn(seed=0), 1.0)[1].weight == 0).all())
    True
    """
    # PyTorch's pruning cannot read weights that are laid out channels last.
    pruned = deep_copy(model).to(memory_format=torch.contiguous_format)
    kinds = nn.Conv2d if structured else (nn.Conv2d, nn.Linear)
    layers = [module for module in pruned.modules() if isinstance(module, kinds)]
    for module in pruned.modules():
        if hasattr(module, "weight_mask"):
            prune.remove(module, "weight")
    if structured:
        for layer in layers:
            prune.ln_structured(layer, "weight", float(sparsity), n=2, dim=0)
    else:
        weights = [(layer, "weight") for layer in layers]
        prune.global_unstructured(weights, prune.L1Unstructured, amount=float(sparsity))
    if not keep:
        for layer in layers:
            prune.remove(layer, "weight")
    return pruned


def accuracy_over_sparsity(
    model: nn.Module,
    images: ImageSet,
    sparsities: Sequence[float],
    *,
    structured: bool = False,
) -> dict[float, float]:
    """Accuracy of a network's pruned copies, without any training after pruning.

    Parameters
    ----------
    model, structured
        As for :func:`pruned_copy`.
    images : ImageSet
        What to measure it on.
    sparsities : sequence of float
        Shares of zeros.

    Returns
    -------
    dict of float to float
        Accuracy by sparsity.
    """
    return {
        sparsity: evaluate(
            pruned_copy(model, sparsity, structured=structured), images
        ).accuracy
        for sparsity in sparsities
    }
