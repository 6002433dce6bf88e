"""Many questions at once: which differences survive a correction for their number."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from scipy.special import stdtr

__all__ = ["holm", "p_value"]

Name = TypeVar("Name", bound=Hashable)


def p_value(values: Sequence[float], baseline: Sequence[float]) -> float:
    """Two-sided p of a paired difference, by Student's t test.

    It is below 0.05 where the 95 % interval of
    :func:`gradmask.lab.reports.stats.paired_difference` excludes zero.

    Parameters
    ----------
    values, baseline : sequence of float
        One value of each for every seed.
    """
    differences = np.subtract(values, baseline)
    count = len(differences)
    error = differences.std(ddof=1) / math.sqrt(count)
    if not error:
        return 0.0 if differences.any() else 1.0
    return float(2 * stdtr(count - 1, -abs(differences.mean()) / error))


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    r"""Adjust p values for their number, by Holm's step-down method.

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min(1, (k - j + 1) \, p_{(j)})

    for the k values in ascending order.  Whoever calls a difference real where its
    adjusted p is below 0.05 is wrong about any of them in at most one case of twenty,
    however they depend on one another.

    Parameters
    ----------
    p_values : mapping of name to float
        One for each question.

    Returns
    -------
    dict of name to float
        Adjusted values, in the order of the questions.

    References
    ----------
    Holm, *A simple sequentially rejective multiple test procedure*, Scandinavian
    Journal of Statistics 6, 1979.

    Examples
    --------
    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'b': 0.06, 'c': 0.06}
    """
    count, highest = len(p_values), 0.0
    adjusted = {}
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        highest = max(highest, min(1.0, (count - rank) * p_values[name]))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}
