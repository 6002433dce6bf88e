"""What the experiments compare: the masks, and the controls beside each of them.

Variants are plain values, options of :class:`gradmask.GradientMask` by name, so that a
record's configuration holds them in full; None is plain backpropagation.
"""

from __future__ import annotations

from typing import Any

from gradmask import GradientMask

__all__ = ["CONTROLS", "MASKS", "Options", "build", "with_controls"]

Options = dict[str, Any] | None

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


def with_controls(*masks: str) -> dict[str, Options]:
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
    return None if options is None else GradientMask(**options, seed=seed)
