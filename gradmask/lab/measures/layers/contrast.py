"""Object contrast: whether the error is larger on the object than off it.

This is the premise of the mask, measured.
"""

from __future__ import annotations

from torch import Tensor, nn

from gradmask.lab.measures.energy import energy_share
from gradmask.lab.measures.layers.signals import layer_signals, object_positions
from gradmask.lab.networks.inspection import batch_normalised_copy
from gradmask.lab.records import Row

__all__ = ["contrast_rows", "object_contrast", "object_share"]


def object_contrast(energy: Tensor, on: Tensor) -> float:
    """Mean of e^2 on the object over its mean off it, over all samples together."""
    power = energy.double().square()
    return (power[on].mean() / power[~on].mean()).item()


def object_share(energy: Tensor, on: Tensor) -> float:
    """w, the share of all e^2 that lies on the object, over all samples together."""
    return energy_share(energy.double().square(), on, dim=None).item()


def contrast_rows(
    model: nn.Module, images: Tensor, labels: Tensor, mask: Tensor
) -> list[Row]:
    """Measure object contrast at every convolution of a network, which stays as it is.

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
                    "contrast": object_contrast(energy, on),
                    "share": object_share(energy, on),
                    "area": on.double().mean().item(),
                }
            )
    return rows
