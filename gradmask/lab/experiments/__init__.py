"""The experiments: a module each, found by its name.

The docstring of a module states the question, the plan and the estimated compute.
``PROFILES`` maps "smoke", "laptop" and "gpu" to a configuration, whose "seeds" is the
number of seeds; ``run(config, seed, device)`` returns the rows of one seed.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol, cast

import torch

from gradmask.lab.records import Row

__all__ = ["Experiment", "experiment", "names"]


class Experiment(Protocol):
    """What a module of this package offers."""

    __doc__: str | None
    PROFILES: dict[str, dict[str, Any]]
    run: Callable[[dict[str, Any], int, torch.device], list[Row]]


def names() -> list[str]:
    """Names of all experiments."""
    modules = {module.name for module in pkgutil.iter_modules(__path__)}
    return sorted(modules - {"comparison"})


def experiment(name: str) -> Experiment:
    """Find an experiment.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if name not in names():
        raise ValueError(f"no experiment {name!r}; there are {', '.join(names())}")
    return cast(Experiment, import_module(f"{__name__}.{name}"))
