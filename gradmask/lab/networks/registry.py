"""Every network that an experiment trains, by its name."""

from __future__ import annotations

from torch import nn

from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.networks.standard import TORCHVISION

__all__ = ["NETWORKS", "network"]

NETWORKS = FAMILIES | TORCHVISION
"""The small families and torchvision's networks, as functions of a seed."""


def network(name: str, *, seed: int) -> nn.Sequential:
    """Build a network, untrained, for grey images of ten classes.

    Parameters
    ----------
    name : str
        One of `NETWORKS`.
    seed : int
        Of the initial weights; the global random state is left alone.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if name not in NETWORKS:
        raise ValueError(f"no network {name!r}; there are {', '.join(NETWORKS)}")
    model: nn.Sequential = NETWORKS[name](seed=seed)
    return model
