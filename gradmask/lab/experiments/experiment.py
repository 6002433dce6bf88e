"""What every experiment is: a question, its settings, and the rows of a seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Self

import torch

from gradmask import GradientMask, SoftMask
from gradmask.lab.records import Row

__all__ = ["Experiment", "described"]


@dataclass(frozen=True, kw_only=True)
class Experiment(ABC):
    """A question, and what answers it, a seed at a time.

    The fields are the laptop's profile; :meth:`smoke` and :meth:`gpu` are the others.

    Parameters
    ----------
    name : str
        Of the experiment and of its record.
    question : str
        The question, the plan and the estimated compute, put down before the runs.  The
        first line says what it is about.
    seeds : range
        What its runs draw from.  A record counts its runs from zero: number i draws
        from ``seeds.start + i``.

    Raises
    ------
    ValueError
        If the seeds are not consecutive numbers from zero upwards.
    """

    name: str
    question: str = field(repr=False)
    seeds: range = range(5)

    def __post_init__(self) -> None:
        if not self.seeds or self.seeds.step != 1 or self.seeds.start < 0:
            raise ValueError(f"seeds must be consecutive, from 0 up; got {self.seeds}")

    @abstractmethod
    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Answer for one seed: rows of the same columns."""

    @property
    def parts(self) -> int:
        """How many pieces a run falls into that can be made apart: one, as a rule."""
        return 1

    def part(self, number: int, seed: int, device: torch.device) -> list[Row]:
        """Make one of the pieces: together, in order, they are the rows of a run."""
        return self.run(seed, device)

    def _in_parts(self, seed: int, device: torch.device) -> list[Row]:
        """Make the pieces of a run one after the other."""
        numbers = range(self.parts)
        return [row for number in numbers for row in self.part(number, seed, device)]

    @abstractmethod
    def smoke(self) -> Self:
        """Shrink every size to what a test waits for, and ask the same question."""

    def _options(self, seed: int) -> dict[str, Any]:
        """What its trainings are told besides."""
        return {}

    def materials(self, device: torch.device) -> dict[str, str]:
        """What the provenance of runs on a device has to say besides, by key."""
        return {}

    def gpu(self) -> Self:
        """Ask with four times as many seeds."""
        return self._with_seeds(4 * len(self.seeds))

    def profile(self, name: str) -> Self:
        """Choose one of :data:`gradmask.lab.settings.BUDGETS`."""
        return {"smoke": self.smoke, "laptop": lambda: self, "gpu": self.gpu}[name]()

    @property
    def configuration(self) -> dict[str, Any]:
        """All settings but the seeds, as a record holds them."""
        settings = described(self)
        return {key: value for key, value in settings.items() if key not in _APART}

    def _with_seeds(self, count: int) -> Self:
        return replace(self, seeds=range(self.seeds.start, self.seeds.start + count))


_APART = {setting.name for setting in fields(Experiment)}


def described(value: object) -> Any:
    """Describe a setting by what JSON knows.

    Dataclasses become objects, with their "kind" where they have one; of a mask, the
    parameters that differ from their defaults are named, but its seed, which is the
    run's.
    """
    if isinstance(value, GradientMask):
        soft = isinstance(value, SoftMask)
        kind = {"kind": getattr(value, "kind", "soft")} if soft else {}
        return kind | {
            one.name: described(getattr(value, one.name))
            for one in fields(value)
            if one.name != "seed" and getattr(value, one.name) != one.default
        }
    if is_dataclass(value):
        kind = {"kind": value.kind} if hasattr(value, "kind") else {}
        return kind | {
            one.name: described(getattr(value, one.name)) for one in fields(value)
        }
    if isinstance(value, Mapping):
        return {key: described(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [described(one) for one in value]
    return value
