"""What the record of gradient quality says: means by run, layer and epoch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradmask.lab.records import Row

__all__ = ["pivot", "through_training"]


def pivot(
    rows: Sequence[Row], index: str, column: str, value: str
) -> NDArray[np.float64]:
    """Means of a column by two others.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    index : str
        Column whose values make the lines, in the order in which they come.
    column : str
        Column whose values make the columns, sorted.
    value : str
        What is averaged.
    """
    cells = defaultdict(list)
    for row in rows:
        cells[row[index], row[column]].append(row[value])
    across = sorted({row[column] for row in rows})
    down = dict.fromkeys(row[index] for row in rows)
    return np.array([[np.mean(cells[i, c], dtype=float) for c in across] for i in down])


def through_training(
    rows: Sequence[Row], value: str
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Runs of a column over epochs, of shape (seeds, epochs), by data and family."""
    groups: defaultdict[str, defaultdict[str, list[Row]]]
    groups = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[row["data"]][row["family"]].append(row)
    return {
        data: {
            family: pivot(own, "seed", "epoch", value)
            for family, own in families.items()
        }
        for data, families in groups.items()
    }
