"""The claim ledger: every claim of the paper, and what a record says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradmask.lab.records import Row
from gradmask.lab.reports.comparison import BASELINES, effect, per_seed, variant_of
from gradmask.lab.reports.stats import Interval

__all__ = ["CLAIMS", "Claim", "Entry", "ledger"]


@dataclass(frozen=True)
class Claim:
    """A claim of the paper's abstract, and the number that decides it.

    Attributes
    ----------
    text : str
        The claim.
    quantity : str
        The record's number; larger is better.
    unit : str
        How to print it.
    chapter : str
        Where it is tested.
    """

    text: str
    quantity: str
    unit: str
    chapter: str


CLAIMS = (
    Claim("more accurate", "test accuracy", "points", "training"),
    Claim("more accurate after pruning", "pruned", "points", "pruning"),
    Claim("more accurate under attack", "attacked", "points", "attacks"),
    Claim("its gradients look at the object", "attention", "points", "results"),
)


@dataclass(frozen=True)
class Entry:
    """What a record says of one claim for one mask.

    Attributes
    ----------
    claim : Claim
        The claim.
    mask : str
        The mask's name.
    to_plain : Interval
        Paired difference to plain training.
    rival : str
        The control with the largest mean.
    to_rival : Interval
        Paired difference to it.
    """

    claim: Claim
    mask: str
    to_plain: Interval
    rival: str
    to_rival: Interval

    @property
    def verdict(self) -> str:
        """What may be said.

        "reproduced" if the intervals of both differences, to plain training and to
        the best control, lie above zero; "depends" if only that to plain training
        does, so that a control may do as much; otherwise "not reproduced".
        """
        if self.to_plain.low <= 0:
            return "not reproduced"
        return "reproduced" if self.to_rival.low > 0 else "depends"


def entry(rows: Sequence[Row], mask: str, claim: Claim) -> Entry:
    """Weigh a claim for one mask, against those of its controls that the record has.

    Choosing the strongest of several controls by its mean favours the control a
    little: a claim that survives has survived more than a fair test.
    """
    there = {row["variant"] for row in rows}
    means = {
        name: sum(per_seed(rows, mask, claim.quantity, name))
        for name in BASELINES[1:]
        if name == "stopped early" or variant_of(mask, name) in there
    }
    rival = max(means, key=lambda name: means[name])
    to_plain, to_rival = (
        effect(rows, mask, name, claim.quantity) for name in ("plain", rival)
    )
    return Entry(claim, mask, to_plain, rival, to_rival)


def ledger(rows: Sequence[Row], masks: Sequence[str]) -> list[Entry]:
    """All claims that the record can decide for all masks, claim by claim."""
    return [
        entry(rows, mask, claim)
        for claim in CLAIMS
        if claim.quantity in rows[0]
        for mask in masks
    ]
