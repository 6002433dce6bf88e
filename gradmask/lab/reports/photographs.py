"""What the records of photographs say, map by map."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from gradmask.lab.records import Row
from gradmask.lab.reports.stats import Interval, mean_interval

__all__ = ["by_photograph", "lead_over"]


def by_photograph(rows: Sequence[Row], quantity: str) -> dict[str, dict[str, float]]:
    """Arrange a measure by map and by photograph, as a mean over the seeds.

    Parameters
    ----------
    rows : sequence of dict
        The record's rows.
    quantity : str
        Which number.
    """
    found: defaultdict[str, defaultdict[str, list[float]]]
    found = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row["map"]][str(_photograph(row))].append(row[quantity])
    return {
        name: {key: sum(values) / len(values) for key, values in own.items()}
        for name, own in found.items()
    }


def lead_over(rows: Sequence[Row], drawn: str, other: str, quantity: str) -> Interval:
    """Mean difference of two maps over the photographs, with its 95 % interval."""
    values = by_photograph(rows, quantity)
    pairs = ((values[drawn][key], values[other][key]) for key in values[drawn])
    return mean_interval([one - two for one, two in pairs])


def _photograph(row: Row) -> object:
    """Name a photograph: by its name, or by a class and a number within it."""
    return (row["label"], row["photograph"]) if "label" in row else row["photograph"]
