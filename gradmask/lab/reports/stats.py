"""Intervals over seeds: what a few runs can and cannot say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from gradmask.lab.records import Row

__all__ = [
    "Course",
    "Interval",
    "agrees",
    "binomial_reach",
    "course",
    "jackknife",
    "mean_interval",
    "over_seeds",
    "paired_difference",
    "spearman",
]

Value = Callable[[Sequence[Row]], float]
"""From rows of a record to a number."""


class Interval(NamedTuple):
    """A mean and the ends of its confidence interval."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside: the condition for saying better or worse."""
        return self.low > 0 or self.high < 0

    def __format__(self, spec: str) -> str:
        """Write every number as `spec` says: ``"1.20 [1.10, 1.30]"`` for ``".2f"``."""
        if not spec:
            return str(self)
        mean, low, high = (format(value, spec).replace("-", "−") for value in self)
        return f"{mean} [{low}, {high}]"


class Course(NamedTuple):
    """Intervals over something that grows: epochs, levels, shares."""

    x: Sequence[float]
    y: Sequence[Interval]


def agrees(measured: Interval, predicted: float, within: float) -> bool:
    """Whether a measurement bears a prediction out.

    It does if its interval holds the prediction, or its mean is no further off than
    the share `within` of it.
    """
    inside = measured.low <= predicted <= measured.high
    return inside or abs(measured.mean / predicted - 1) < within


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
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    if error == 0:
        return Interval(mean, mean, mean)
    reach = float(stdtrit(len(values) - 1, (1 + confidence) / 2)) * error
    return Interval(float(mean), float(mean - reach), float(mean + reach))


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


def binomial_reach(share: ArrayLike, count: int) -> NDArray[np.float64]:
    """How far the 95 % intervals of shares of so many samples reach on either side."""
    values = np.asarray(share, dtype=float)
    return np.asarray(1.96 * np.sqrt(values * (1 - values) / count))


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation; equal values share the mean of their ranks.

    Examples
    --------
    >>> round(spearman([1, 2, 3, 4], [1, 10, 10, 100]), 3)
    0.949
    """
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def _ranks(values: ArrayLike) -> NDArray[np.float64]:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = count.cumsum() - (count - 1) / 2
    return ranks[place]


def over_seeds(
    rows: Sequence[Row],
    value: Value,
    *,
    geometric: bool = False,
) -> Interval:
    """Mean over seeds of what a seed's own rows give, with Student's interval.

    Parameters
    ----------
    rows : sequence of dict
        Each with its "seed".
    value : callable
        Takes the rows of one seed to a number.
    geometric : bool, default False
        Whether mean and interval are those of the logarithm, for ratios.
    """
    seeds = sorted({row["seed"] for row in rows})
    values = [value([row for row in rows if row["seed"] == seed]) for seed in seeds]
    if not geometric:
        return mean_interval(values)
    return Interval(*(math.exp(x) for x in mean_interval([*map(math.log, values)])))


def jackknife(rows: Sequence[Row], value: Value) -> Interval:
    """Positive value of all rows, with Student's interval of its logarithm over seeds.

    One seed after the other is left out.  This is for ratios of sums over seeds.

    Parameters
    ----------
    rows : sequence of dict
        Each with its "seed".
    value : callable
        Takes rows to a positive number.
    """
    seeds = sorted({row["seed"] for row in rows})
    whole = math.log(value(rows))
    parts = [
        len(seeds) * whole
        - (len(seeds) - 1) * math.log(value([r for r in rows if r["seed"] != seed]))
        for seed in seeds
    ]
    mean, low, high = mean_interval(parts)
    return Interval(*(math.exp(whole + x - mean) for x in (mean, low, high)))


def course(
    rows: Sequence[Row], column: str, value: Value, *, geometric: bool = False
) -> Course:
    """What rows give at each value of a column, in ascending order.

    Parameters
    ----------
    rows : sequence of dict
        Each with its "seed".
    column : str
        The column that grows, such as "epoch".
    value, geometric
        As of :func:`over_seeds`.
    """
    places = sorted({row[column] for row in rows})
    return Course(
        places,
        [
            over_seeds(
                [row for row in rows if row[column] == place],
                value,
                geometric=geometric,
            )
            for place in places
        ],
    )
