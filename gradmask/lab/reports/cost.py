"""What the record of overhead says: ratios of time and memory, means over seeds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from gradmask.lab.records import Row
from gradmask.lab.reports.stats import Interval

__all__ = ["averaged", "ratios"]


def averaged(rows: Sequence[Row]) -> list[Row]:
    """Means over seeds of the experiment "overhead", a row for each variant.

    Parameters
    ----------
    rows : sequence of dict
        The record's rows.

    Returns
    -------
    list of dict
        As :func:`gradmask.lab.experiments.overhead.run` gives them, and "memory", the
        peak over that of "plain": no number where the plain step allocates nothing, as
        a captured one.
    """
    groups: defaultdict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["measured"], row["network"], row["variant"]].append(row)
    numbers = ("ratio", "low", "high", "milliseconds", "peak_mb")
    means = {
        key: {number: fmean(row[number] for row in group) for number in numbers}
        for key, group in groups.items()
    }
    return [
        {
            "measured": measured,
            "network": network,
            "variant": variant,
            **mean,
            "memory": _over(
                mean["peak_mb"], means[measured, network, "plain"]["peak_mb"]
            ),
        }
        for (measured, network, variant), mean in means.items()
    ]


def ratios(rows: Sequence[Row]) -> dict[str, dict[str, Interval]]:
    """Time of a step over a plain one, by network and variant: median and quartiles.

    Parameters
    ----------
    rows : sequence of dict
        Rows of one thing measured; those of plain training are left out.
    """
    found: defaultdict[str, dict[str, Interval]] = defaultdict(dict)
    for row in averaged(rows):
        if row["variant"] != "plain":
            interval = Interval(row["ratio"], row["low"], row["high"])
            found[row["network"]][row["variant"]] = interval
    return dict(found)


def _over(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
