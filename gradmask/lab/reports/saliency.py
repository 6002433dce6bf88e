"""What the record of saliency says: the better map, and the better network to map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gradmask.lab.records import Row
from gradmask.lab.reports.comparison import effect, per_seed, summary
from gradmask.lab.reports.stats import Course, Interval, paired_difference

__all__ = ["map_effect", "map_summary", "network_effect", "overlap_over_share"]


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
        Two trainings, as of :func:`gradmask.lab.reports.comparison.effect`.
    """
    return effect(_of(rows, family, drawn), variant, baseline, quantity)


def overlap_over_share(
    rows: Sequence[Row], family: str, maps: Iterable[str], percent: Sequence[int]
) -> dict[str, Course]:
    """Overlap of boxes over the share of salient pixels, in plain networks, by map.

    Parameters
    ----------
    rows, family
        As for :func:`map_summary`.
    maps : iterable of str
        Which maps.
    percent : sequence of int
        Shares that were measured, in per cent.
    """
    return {
        drawn: Course(
            percent,
            [map_summary(rows, family, "plain", drawn, f"iou {p}") for p in percent],
        )
        for drawn in maps
    }


def _of(rows: Sequence[Row], family: str, drawn: str) -> list[Row]:
    return [row for row in rows if (row["family"], row["map"]) == (family, drawn)]
