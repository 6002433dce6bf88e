"""Whether a network's gradients look at the object."""

from __future__ import annotations

from torch import nn

from gradmask.lab.data.scenes import Scenes
from gradmask.lab.measures.energy import energy_share
from gradmask.lab.measures.robustness.attacks import loss_gradient

__all__ = ["attention"]


def attention(model: nn.Module, scenes: Scenes) -> float:
    """Share of the input gradient's energy that lies on the object, mean over scenes.

    The gradient of the true class's cross-entropy with respect to the pixels, squared.
    """
    here = scenes.to(next(model.parameters()).device)
    energy = loss_gradient(model, here.images, here.labels).square().sum(1)
    return float(energy_share(energy, here.mask).nanmean())
