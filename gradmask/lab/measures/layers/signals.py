"""What meets at the convolutions of a network in the backward pass, sample by sample.

Every network here is one whose batch normalisations are frozen, so that every sample
has a gradient of its own; see :func:`.batch_normalised_copy`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradmask.functional import contribution_energy, error_energy
from gradmask.lab.networks.inspection import calls_of, error_signals

__all__ = ["Signals", "layer_signals", "object_positions"]


class Signals(NamedTuple):
    """What meets at a convolution in the backward pass.

    Attributes
    ----------
    conv : nn.Conv2d
        The convolution.
    activation : Tensor of shape (B, C, H, W)
        Its input.
    delta : Tensor of shape (B, C', H', W')
        Error of every sample's own loss at its output.
    """

    conv: nn.Conv2d
    activation: Tensor
    delta: Tensor

    def energy(self, kind: str) -> Tensor:
        """What competes: "error" or "contribution" energy, (B, 1, H', W')."""
        if kind == "error":
            return error_energy(self.delta)
        return self._contribution(self.delta)

    def window(self) -> Tensor:
        """Norm of the activations under the kernel's window, (B, 1, H', W')."""
        shape = len(self.delta), self.conv.groups, *self.delta.shape[2:]
        return self._contribution(self.delta.new_ones(shape))

    def _contribution(self, delta: Tensor) -> Tensor:
        assert isinstance(self.conv.padding, tuple)
        return contribution_energy(
            delta,
            self.activation,
            self.conv.kernel_size,
            stride=self.conv.stride,
            padding=self.conv.padding,
            dilation=self.conv.dilation,
            groups=self.conv.groups,
        )


def layer_signals(
    model: nn.Module, images: Tensor, labels: Tensor
) -> dict[str, Signals]:
    """Input and error of every convolution for the sum of the samples' cross-entropies.

    Parameters
    ----------
    model : nn.Module
        Classifier in evaluation mode (see :func:`.batch_normalised_copy`); each of its
        convolutions runs once.
    images, labels : Tensor
        Shapes (B, 1, H, W) and (B,), or (B, H, W) for a dense prediction.

    Returns
    -------
    dict of str to Signals
        By the convolution's name, in the order of the forward pass.
    """
    convolutions = {
        name: m for name, m in model.named_modules() if isinstance(m, nn.Conv2d)
    }
    with calls_of(convolutions) as calls:
        errors = error_signals(model, images, labels, convolutions, reduction="sum")
    return {
        name: Signals(convolutions[name], call.input.detach(), errors[name])
        for name, call in calls.items()
    }


def object_positions(mask: Tensor, shape: torch.Size) -> Tensor:
    """Positions of a feature map of which the object covers at least half.

    Parameters
    ----------
    mask : Tensor of bool, shape (B, S, S)
        The objects' pixels.
    shape : torch.Size
        (..., H, W) of the map.

    Returns
    -------
    Tensor
        Bool of shape (B, 1, H, W).
    """
    cover = F.adaptive_avg_pool2d(mask[:, None].float(), (shape[-2], shape[-1]))
    return cover >= 0.5
