"""Which records say what a mask does, and the verdicts on the first pages."""

from __future__ import annotations

from collections.abc import Iterable

from gradmask.lab.records import Row, load
from gradmask.lab.reports.claims import Entry, ledger

__all__ = [
    "BACKGROUNDS",
    "CIFAR",
    "FIRST_LOOK",
    "SCENES",
    "SOFT_SCENES",
    "rows_of",
    "verdicts",
]

SCENES = ("core",)
"""Cluttered scenes, the masks that drop positions and their controls."""

SOFT_SCENES = ("soft_scenes", "augmented_scenes", "scenes_steps")
"""Cluttered scenes: the masks that weigh, exchanged backgrounds, and longer steps."""

BACKGROUNDS = ("soft_backgrounds", "augmented_backgrounds", "backgrounds_steps")
"""Scenes whose backgrounds mislead: the masks that weigh, exchanged backgrounds, and
longer steps."""

CIFAR = ("cifar10_airbench_confirm", "cifar10_airbench_confirm_steps")
"""CIFAR-10 with Jordan's network and fresh seeds: masks, controls, readings, steps."""

FIRST_LOOK = (
    "cifar10_airbench",
    "cifar10_airbench_shorter",
    "cifar10_airbench_readings",
    "cifar10_airbench_steps",
    "cifar10_airbench_length",
)
"""What was seen of CIFAR-10 before, with three seeds, and set the forecasts."""

_FIRST_PAGES = {
    "literal mask, scenes": (SCENES, "signal"),
    "literal mask, CIFAR-10": (CIFAR, "signal"),
    "mask from theory, scenes": (SCENES, "theory"),
    "mask from theory, CIFAR-10": (CIFAR, "theory"),
    "soft mask, scenes": (SOFT_SCENES, "soft"),
    "soft mask, misleading backgrounds": (BACKGROUNDS, "soft"),
    "soft mask, CIFAR-10": (CIFAR, "soft"),
}


def rows_of(names: Iterable[str]) -> list[Row]:
    """Rows of several records together, whose networks are paired by their seeds.

    Parameters
    ----------
    names : iterable of str
        Names of experiments that differ in what they compare alone.
    """
    return [row for name in names for row in load(name).rows]


def verdicts() -> dict[str, list[Entry]]:
    """Ledgers of the three masks on the images that tried them, by mask and images."""
    return {
        title: ledger(rows_of(names), [mask])
        for title, (names, mask) in _FIRST_PAGES.items()
    }
