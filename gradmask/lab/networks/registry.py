"""Every network that an experiment trains, by its name."""

from __future__ import annotations

from torch import nn

from gradmask.lab.networks.benchmarks import BENCHMARKED
from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.networks.standard import TORCHVISION

__all__ = ["NETWORKS", "network"]

NETWORKS = FAMILIES | TORCHVISION | BENCHMARKED
"""The small families, torchvision's networks for the scenes, and the networks of the
standard benchmarks, as functions of the number of classes and a seed."""


def network(name: str, classes: int = 10, *, seed: int) -> nn.Sequential:
    """Build a network, untrained.

    Parameters
    ----------
    name : str
        One of `NETWORKS`.
    classes : int, default 10
        Number of logits.
    seed : int
        Of the initial weights; the global random state is left alone.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if name not in NETWORKS:
        raise ValueError(f"no network {name!r}; there are {', '.join(NETWORKS)}")
    model: nn.Sequential = NETWORKS[name](classes, seed=seed)
    return model
