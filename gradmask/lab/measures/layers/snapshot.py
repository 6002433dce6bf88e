"""What one image does to a network at one time of its training."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gradmask import GradientMask
from gradmask.functional import error_energy
from gradmask.lab.networks.inspection import error_signals, evaluation_copy

__all__ = ["Snapshot", "snapshot"]


class Snapshot(NamedTuple):
    """What one image does to a network at one time of its training.

    Attributes
    ----------
    probability : float
        What the network gives the true class.
    energy : dict of str to Tensor
        Error energy (H', W') by the name of the activation.
    mask : dict of str to Tensor of bool
        True where a mask would keep it, of the same shape.
    """

    probability: float
    energy: dict[str, Tensor]
    mask: dict[str, Tensor]


def snapshot(
    model: nn.Module, image: Tensor, label: Tensor, inhibition: GradientMask
) -> Snapshot:
    """Look at the errors of one image, in evaluation mode, and at their mask.

    Parameters
    ----------
    model : nn.Module
        Classifier; it is left as it is.
    image, label : Tensor
        Shapes (1, 1, H, W) and (1,).
    inhibition : GradientMask
        The mask that is asked, not applied: every error is that of plain
        backpropagation.

    Returns
    -------
    Snapshot
        At every activation whose map is large enough for the mask's kernel.
    """
    model = evaluation_copy(model).requires_grad_()
    errors = error_signals(model, image, label)
    with torch.no_grad():
        probability = float(model(image).softmax(1)[0, label])
    masks = {name: inhibition.mask(delta) for name, delta in errors.items()}
    kept = {name: mask[0, 0] for name, mask in masks.items() if mask is not None}
    energy = {name: error_energy(errors[name])[0, 0] for name in kept}
    return Snapshot(probability, energy, kept)
