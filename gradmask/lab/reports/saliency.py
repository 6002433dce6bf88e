"""What the record of saliency says: the better map, and the better network to map."""

from __future__ import annotations

from collections.abc import Sequence

from gradmask.lab.records import Row
from gradmask.lab.reports.comparison import effect, per_seed, summary
from gradmask.lab.reports.stats import Interval, paired_difference

__all__ = ["map_effect", "map_summary", "network_effect"]


def map_summary(
    rows: Sequence[Row], family: str, variant: str, drawn: str, quantity: str
) -> Interval:
    """Mean of a map of a family's networks over the seeds, with its 95 % interval.

    Parameters
    ----------
    rows : sequence of dict
        The record's rows.
    family, variant, drawn : str
        Which networks, how they were trained, and which map.
    quantity : str
        Which number.
    """
    return summary(_of(rows, family, drawn), variant, quantity)


def map_effect(
    rows: Sequence[Row],
    family: str,
    variant: str,
    drawn: str,
    other: str,
    quantity: str,
) -> Interval:
    """Paired difference of a map to another one of the same networks."""
    one, two = (
        per_seed(_of(rows, family, name), variant, quantity) for name in (drawn, other)
    )
    return paired_difference(one, two)


def network_effect(
    rows: Sequence[Row],
    family: str,
    drawn: str,
    variant: str,
    baseline: str,
    quantity: str,
) -> Interval:
    """Paired difference of the same map in networks of other training.

    Parameters
    ----------
    rows, family, drawn, quantity
        As for :func:`map_summary`.
    variant, baseline : str
        Two trainings, named as for :func:`gradmask.lab.reports.comparison.effect`.
    """
    return effect(_of(rows, family, drawn), variant, baseline, quantity)


def _of(rows: Sequence[Row], family: str, drawn: str) -> list[Row]:
    return [row for row in rows if (row["family"], row["map"]) == (family, drawn)]
