"""What the experiments compare: the masks, and the controls of each of them.

Variants are immutable values, so that a record's configuration holds them in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from gradmask import GradientMask, SoftMask

__all__ = [
    "CONTROLS",
    "MASKS",
    "PLAIN",
    "SOFT_MASKS",
    "Control",
    "Phase",
    "Variant",
    "plans",
    "with_controls",
]

Control = Literal["random", "top-k"]

CONTROLS: tuple[Control, ...] = get_args(Control)
"""What every mask is compared with: as many positions, on the same route, with the same
energy and projection, at random or by energy alone."""

MASKS = {
    "signal": GradientMask(1.0, size=5),
    "weights": GradientMask(1.0, size=5, route="weights"),
    "theory": GradientMask.from_theory(),
}
"""The Gradient Masks.

- ``"signal"``: 5x5 at every activation, the masked error flows on;
- ``"weights"``: 5x5 at every convolution, its weights alone see the mask;
- ``"theory"``: contribution energy and a kernel sized to the map, as theory chooses
  them (:meth:`gradmask.GradientMask.from_theory`).
"""

_SOFT = SoftMask.from_theory()

SOFT_MASKS = {
    "soft": _SOFT,
    "steered": replace(_SOFT, steered=True),
    "both ways": replace(_SOFT, steered=True, both_ways=True),
}
"""The masks that weigh instead of choosing.

- ``"soft"``: the competition of ``"theory"``, decided by weights;
- ``"steered"``: these weights, as strong at every convolution as their gradients agree
  with plain ones;
- ``"both ways"``: steered, and free to prefer what the weights reject.
"""


@dataclass(frozen=True)
class Phase:
    """A part of the training, with a mask of its own.

    Parameters
    ----------
    end : float
        The share of the epochs at which it ends.
    mask : GradientMask or None
        What is attached; None is plain backpropagation.
    """

    end: float
    mask: GradientMask | None


@dataclass(frozen=True)
class Variant:
    """A way to train: a mask, or one of its controls, or neither.

    Parameters
    ----------
    name : str
        How the mask is called.
    mask : GradientMask, None or tuple of Phase
        The mask; None is plain backpropagation; phases in order change it during
        training.
    control : {"random", "top-k"}, optional
        Which control of the mask it is.  Default: the mask itself.

    Raises
    ------
    ValueError
        If there is no such control, if a control has no mask of its own, or if the
        phases do not rise to 1.
    """

    name: str
    mask: GradientMask | tuple[Phase, ...] | None
    control: Control | None = None

    def __post_init__(self) -> None:
        if self.control not in (None, *CONTROLS):
            raise ValueError(
                f"control must be one of {CONTROLS} or None, got {self.control!r}"
            )
        if self.control and not isinstance(self.mask, GradientMask):
            raise ValueError(
                f"{self.name!r} has no mask that {self.control!r} controls"
            )
        ends = [phase.end for phase in self.phases]
        if ends != sorted(set(ends)) or ends[-1] != 1:
            raise ValueError(f"phases must end in order, the last at 1, got {ends}")

    @property
    def label(self) -> str:
        """What records call it in their column "variant", such as "theory, top-k"."""
        return f"{self.name}, {self.control}" if self.control else self.name

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases of the training: a single one, unless the mask changes."""
        return self.mask if isinstance(self.mask, tuple) else (Phase(1, self.mask),)

    def schedule(self, seed: int, epochs: int) -> Callable[[int], GradientMask | None]:
        """Which mask is attached in which epoch, the first being 1.

        Parameters
        ----------
        seed : int
            Of the random control.
        epochs : int
            Of the training.
        """
        masks = [
            (round(phase.end * epochs), self._attached(phase.mask, seed))
            for phase in self.phases
        ]
        return lambda epoch: next(mask for end, mask in masks if epoch <= end)

    def _attached(self, mask: GradientMask | None, seed: int) -> GradientMask | None:
        if mask is None:
            return None
        return replace(mask, select=self.control or mask.select, seed=seed)


PLAIN = Variant("plain", None)
"""Plain backpropagation."""


def with_controls(*masks: str) -> tuple[Variant, ...]:
    """Plain training, masks of `MASKS` by name, then the controls of each."""
    chosen = [Variant(name, MASKS[name]) for name in masks]
    controls = [replace(v, control=control) for v in chosen for control in CONTROLS]
    return PLAIN, *chosen, *controls


def plans(
    variants: Sequence[Variant], epochs: int, schedules: Iterable[int]
) -> list[tuple[Variant, int]]:
    """What to train, and for how many epochs.

    Parameters
    ----------
    variants : sequence of Variant
        Each is trained on the full schedule.
    epochs : int
        Of the full schedule.
    schedules : iterable of int
        Epochs of shorter ones, each a training of its own, of the first variant alone;
        they come first.
    """
    shorter = [(variants[0], fewer) for fewer in schedules]
    return shorter + [(variant, epochs) for variant in variants]
