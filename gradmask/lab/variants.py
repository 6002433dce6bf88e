"""What the experiments compare: the masks, and the controls beside each of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from gradmask import GradientMask

__all__ = ["CONTROLS", "MASKS", "variants"]

MASKS: dict[str, GradientMask] = {
    "signal": GradientMask(1.0, size=5),
    "weights": GradientMask(1.0, size=5, route="weights"),
    "contribution": GradientMask(
        0.12, relative=True, route="weights", energy="contribution"
    ),
}
"""The Gradient Masks.

- ``"signal"``: 5x5 at every activation, the masked error flows on;
- ``"weights"``: 5x5 at every convolution, its weights alone see the mask;
- ``"contribution"``: the same with contribution energy and a kernel sized to the map.
"""

CONTROLS: tuple[Literal["random", "top-k"], ...] = ("random", "top-k")
"""What stands beside every mask: as many positions, on the same route, with the same
energy and projection, at random or by energy alone."""


def variants(seed: int) -> dict[str, GradientMask | None]:
    """Everything that is trained, by name; None is plain backpropagation.

    A control is named after its mask: ``"signal, random"``.  ``"unbalanced"`` is the
    signal route with a kernel whose weights do not sum to zero.  (The companion code's
    own, sigma 11 on 5x5 pixels, has one sign; with it the mask keeps everything, which
    is plain backpropagation.)

    Parameters
    ----------
    seed : int
        Of the random controls.
    """
    controls = {
        f"{name}, {select}": replace(mask, select=select, seed=seed)
        for name, mask in MASKS.items()
        for select in CONTROLS
    }
    unbalanced = replace(MASKS["signal"], sigma=1.4, kernel="unbalanced")
    return {"plain": None, **MASKS, **controls, "unbalanced": unbalanced}
