"""Is the error louder on the object than beside it?  The premise of the mask, measured.

Everything here looks at a network whose batch normalisations are frozen, so that every
sample has a gradient of its own; see
:func:`.batch_normalised_copy`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradmask.functional import contribution_energy, error_energy
from gradmask.lab.networks.inspection import (
    batch_normalised_copy,
    calls_of,
    error_signals,
)
from gradmask.lab.records import Row

__all__ = [
    "Signals",
    "contrast",
    "energy_share",
    "layer_signals",
    "object_positions",
    "premise_rows",
]


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
        Classifier in evaluation mode (see
    :func:`.batch_normalised_copy`); each of its convolutions
        runs once.
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


def contrast(energy: Tensor, on: Tensor) -> float:
    """Mean of e^2 on the object over its mean beside it, over all samples together."""
    power = energy.double().square()
    return (power[on].mean() / power[~on].mean()).item()


def energy_share(energy: Tensor, on: Tensor) -> float:
    """w, the share of all e^2 that lies on the object, over all samples together."""
    power = energy.double().square()
    return (power[on].sum() / power.sum()).item()


def premise_rows(
    model: nn.Module, images: Tensor, labels: Tensor, mask: Tensor
) -> list[Row]:
    """Measure the premise at every convolution of a network, which stays as it is.

    Parameters
    ----------
    model : nn.Module
        The network; a frozen copy of it is measured.
    images, labels : Tensor
        As :func:`layer_signals` takes them.
    mask : Tensor of bool, shape (B, S, S)
        The objects' pixels.

    Returns
    -------
    list of dict
        For every convolution and both energies: "layer", "depth" (0 for the first,
        1 for the last), "side" of the map, "energy", "contrast", "share" (w) and
        "area" (the share of positions on the object).
    """
    signals = layer_signals(batch_normalised_copy(model, images), images, labels)
    rows = []
    for index, (name, layer) in enumerate(signals.items()):
        on = object_positions(mask, layer.delta.shape)
        for kind in ("error", "contribution"):
            energy = layer.energy(kind)
            rows.append(
                {
                    "layer": name,
                    "depth": index / max(1, len(signals) - 1),
                    "side": on.shape[-1],
                    "energy": kind,
                    "contrast": contrast(energy, on),
                    "share": energy_share(energy, on),
                    "area": on.double().mean().item(),
                }
            )
    return rows
