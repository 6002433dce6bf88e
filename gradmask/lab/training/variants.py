"""What the experiments compare: the masks, and the controls beside each of them.

Variants are plain values, options of :class:`gradmask.GradientMask` by name, so that a
record's configuration holds them in full; None is plain backpropagation.  A list of
phases ``[share of the epochs, options]`` changes them during training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from gradmask import GradientMask
from gradmask.lab.training.ablated import AblatedMask

__all__ = [
    "CONTROLS",
    "MASKS",
    "Options",
    "Variant",
    "build",
    "schedule",
    "with_controls",
]

Options = dict[str, Any] | None
Variant = Options | list[list[Any]]

MASKS: dict[str, dict[str, Any]] = {
    "signal": {"sigma": 1.0, "size": 5},
    "weights": {"sigma": 1.0, "size": 5, "route": "weights"},
    "theory": {
        "sigma": 0.25,
        "relative": True,
        "route": "weights",
        "energy": "contribution",
    },
}
"""The Gradient Masks.

- ``"signal"``: 5x5 at every activation, the masked error flows on;
- ``"weights"``: 5x5 at every convolution, its weights alone see the mask;
- ``"theory"``: contribution energy and a kernel sized to the map, as theory chooses
  them (:meth:`gradmask.GradientMask.from_theory`).
"""

CONTROLS = ("random", "top-k")
"""What stands beside every mask: as many positions, on the same route, with the same
energy and projection, at random or by energy alone."""


def with_controls(*masks: str) -> dict[str, Variant]:
    """Plain training, masks by name, and the controls of each: ``"signal, random"``."""
    chosen = {name: MASKS[name] for name in masks}
    controls = {
        f"{name}, {select}": options | {"select": select}
        for name, options in chosen.items()
        for select in CONTROLS
    }
    return {"plain": None, **chosen, **controls}


def build(options: Options, seed: int) -> GradientMask | None:
    """Make the mask that options describe; random controls draw by the seed."""
    if options is None:
        return None
    plain = {field.name for field in fields(GradientMask)}
    kind = GradientMask if options.keys() <= plain else AblatedMask
    return kind(**options, seed=seed)


def schedule(
    variant: Variant, seed: int, epochs: int
) -> Callable[[int], GradientMask | None]:
    """Which mask a variant has attached in which epoch, the first being 1.

    Parameters
    ----------
    variant : dict, None or list
        Options, or phases in order, each with the share of the epochs at which it ends.
    seed : int
        Of the random controls.
    epochs : int
        Of the training.
    """
    phases: list[list[Any]]
    phases = variant if isinstance(variant, list) else [[1.0, variant]]
    masks = [(end, build(options, seed)) for end, options in phases]
    return lambda epoch: next(m for end, m in masks if epoch <= round(end * epochs))
