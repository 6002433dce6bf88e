"""Paired comparisons: what a difference over few seeds can and cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from scipy import stats

__all__ = ["Interval", "mean_interval", "paired_difference"]


class Interval(NamedTuple):
    """A mean and the ends of its confidence interval."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside: the condition for saying better or worse."""
        return self.low > 0 or self.high < 0


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean of one value per seed, with Student's t interval.

    Parameters
    ----------
    values : sequence of float
        One value per seed, at least two.
    confidence : float, default 0.95
        Coverage of the interval where the values are normally distributed.

    Returns
    -------
    Interval
        Mean, low end and high end.

    Raises
    ------
    ValueError
        If there are fewer than two values.

    Examples
    --------
    >>> [round(x, 2) for x in mean_interval([1.0, 2.0, 3.0])]
    [2.0, -0.48, 4.48]
    """
    if len(values) < 2:
        raise ValueError(f"an interval needs at least two seeds, got {len(values)}")
    mean = sum(values) / len(values)
    error = stats.sem(values)
    if error == 0:
        return Interval(mean, mean, mean)
    low, high = stats.t.interval(confidence, len(values) - 1, loc=mean, scale=error)
    return Interval(float(mean), float(low), float(high))


def paired_difference(
    values: Sequence[float], baseline: Sequence[float], confidence: float = 0.95
) -> Interval:
    """Mean of `values` minus `baseline`, paired seed by seed, with its interval.

    Raises
    ------
    ValueError
        If the two differ in length, or there are fewer than two pairs.
    """
    pairs = zip(values, baseline, strict=True)
    return mean_interval([a - b for a, b in pairs], confidence)
