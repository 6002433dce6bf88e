"""The finding of the book: every way to train, compared with plain training."""

from __future__ import annotations

from collections.abc import Sequence

from gradmask.lab.records import Row
from gradmask.lab.reports.comparison import effect, per_seed
from gradmask.lab.reports.schedules import at_schedule
from gradmask.lab.reports.stats import Interval, paired_difference

__all__ = ["finding"]

EARLIER = 14

Lines = dict[str, dict[str, Interval]]


def finding(
    scenes: Sequence[Sequence[Row]], backgrounds: Sequence[Sequence[Row]]
) -> dict[str, Lines]:
    """Compare every way to train with plain training, in all four claims.

    Parameters
    ----------
    scenes, backgrounds : sequence of records' rows
        Of cluttered scenes, and of those whose backgrounds mislead.  A way to train is
        looked up in the first record that has it, and compared with the plain training
        of the same record.

    Returns
    -------
    dict
        By what is measured, the way to train and the kind of scenes, the paired
        difference to plain training: a share, positive where the way is better.
    """
    places = {"cluttered scenes": scenes, "misleading backgrounds": backgrounds}
    return {
        measured: {
            title: {
                place: interval
                for place, records in places.items()
                if (interval := _gain(records, variant, quantity)) is not None
            }
            for title, variant in WAYS.items()
        }
        for measured, quantity in MEASURED.items()
    }


MEASURED = {
    "accuracy": "test accuracy",
    "accuracy after pruning": "pruned",
    "accuracy under attack": "attacked",
    "attention to the object": "attention",
}
"""The four claims, as what decides them."""

WAYS = {
    f"fewer epochs ({EARLIER} of 30)": "plain",
    "backgrounds exchanged": "background by saliency",
    "the same, object known": "background by box",
    "random positions": "theory, random",
    "largest errors (top-k)": "theory, top-k",
    "literal mask": "signal",
    "mask from theory": "theory",
    "soft mask": "soft",
    "soft, by error size alone": "soft, top-k",
}
"""Ways to train by their titles; plain training is the one with fewer epochs."""


def _gain(
    records: Sequence[Sequence[Row]], variant: str, quantity: str
) -> Interval | None:
    for rows in records:
        if variant not in {row["variant"] for row in rows}:
            continue
        if variant != "plain":
            return effect(rows, variant, "plain", quantity)
        earlier = at_schedule(rows, "plain", EARLIER)
        now = per_seed(rows, "plain", quantity)
        return paired_difference(per_seed(earlier, "plain", quantity), now)
    return None
