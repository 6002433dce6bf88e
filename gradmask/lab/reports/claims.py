"""The claim ledger: every claim of the paper, and what a record says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradmask.lab.records import Row
from gradmask.lab.reports.comparison import BASELINES, effect, per_seed, variant_of
from gradmask.lab.reports.schedules import at_schedule, schedules
from gradmask.lab.reports.stats import Interval, paired_difference

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


SIMPLER = ("background anywhere", "background by saliency", "plain, long steps")
"""Plain training on images with exchanged backgrounds, where no box is known, and with
a higher learning rate."""


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

        "fails" unless the interval of the difference to plain training lies above zero;
        "holds" if that of the difference to the strongest rival does, too; otherwise "a
        simpler method does as well", or "does better" where it lies below zero.
        """
        if self.to_plain.low <= 0:
            return "fails"
        if self.to_rival.low > 0:
            return "holds"
        how = "better" if self.to_rival.high < 0 else "as well"
        return f"a simpler method does {how}"


def entry(rows: Sequence[Row], mask: str, claim: Claim) -> Entry:
    """Weigh a claim for one mask, against those of its rivals that the record has.

    Rivals are the mask's controls, plain training stopped early (at the mask's own
    training loss, and after each of its shorter schedules), and what `SIMPLER` names.
    Choosing the strongest by its mean favours the rivals a little: a claim that
    survives has survived more than a fair test.
    """
    there = {row["variant"] for row in rows}
    rivals = {
        name: per_seed(rows, mask, claim.quantity, name)
        for name in BASELINES[1:]
        if name == "stopped early" or variant_of(mask, name) in there
    }
    for epochs in schedules(rows, "plain")[:-1]:
        shorter = at_schedule(rows, "plain", epochs)
        rivals[f"plain, {epochs} epochs"] = per_seed(shorter, "plain", claim.quantity)
    rivals |= {
        name: per_seed(rows, name, claim.quantity) for name in SIMPLER if name in there
    }
    rival = max(rivals, key=lambda name: sum(rivals[name]))
    ours = per_seed(rows, mask, claim.quantity)
    return Entry(
        claim,
        mask,
        effect(rows, mask, "plain", claim.quantity),
        rival,
        paired_difference(ours, rivals[rival]),
    )


def ledger(rows: Sequence[Row], masks: Sequence[str]) -> list[Entry]:
    """All claims that the record can decide for all masks, claim by claim."""
    return [
        entry(rows, mask, claim)
        for claim in CLAIMS
        if claim.quantity in rows[0]
        for mask in masks
    ]
