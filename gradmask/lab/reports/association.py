"""How two columns of a record rank together, seed by seed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from gradmask.lab.records import Row
from gradmask.lab.reports.stats import Interval, mean_interval, spearman

__all__ = ["rank_correlation"]


def rank_correlation(
    rows: Sequence[Row], x: str, y: str, *, within: Sequence[str] = ()
) -> Interval:
    """Spearman's correlation of two columns: mean over seeds, with Student's interval.

    Parameters
    ----------
    rows : sequence of dict
        Rows of a record, each with its "seed"; those where x or y is missing are left
        out.
    x, y : str
        The columns.
    within : sequence of str, default ()
        Columns to hold constant: rows are ranked within groups that agree in them, and
        a seed's value is the mean over its groups, of three rows or more, in which
        neither column is constant.

    Returns
    -------
    Interval
        Student's interval, cut at -1 and 1, beyond which no correlation lies.

    Raises
    ------
    ValueError
        If fewer than two seeds have such a group.

    Examples
    --------
    >>> rows = [
    ...     {"seed": seed, "a": i, "b": i**3} for seed in (0, 1) for i in range(4)
    ... ]
    >>> rank_correlation(rows, "a", "b").mean
    1.0
    """
    groups: defaultdict[int, defaultdict[tuple[object, ...], list[tuple[float, float]]]]
    groups = defaultdict(lambda: defaultdict(list))
    for row in rows:
        pair = row[x], row[y]
        if not any(value is None or math.isnan(value) for value in pair):
            groups[row["seed"]][tuple(row[key] for key in within)].append(pair)
    per_seed = []
    for seed in sorted(groups):
        values = [
            spearman(*np.transpose(pairs))
            for pairs in groups[seed].values()
            if len(pairs) > 2 and np.ptp(pairs, axis=0).all()
        ]
        if values:
            per_seed.append(float(np.mean(values)))
    mean, low, high = mean_interval(per_seed)
    return Interval(mean, max(low, -1.0), min(high, 1.0))
