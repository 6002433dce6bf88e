"""What a record says of a variant: paired differences to what it is compared with.

A mask is compared with the four `BASELINES`, or with any other variant by its name.
All functions take the mask and its baseline apart:
``effect(rows, "theory", "top-k", "test accuracy")``.  They read full schedules; see
:mod:`gradmask.lab.reports.schedules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from gradmask.lab.records import Row
from gradmask.lab.reports.schedules import (
    as_fitted,
    at_schedule,
    full_schedule,
    schedules,
)
from gradmask.lab.reports.stats import (
    Course,
    Interval,
    mean_interval,
    paired_difference,
)

__all__ = [
    "BASELINES",
    "CONTROLS",
    "by_seed",
    "effect",
    "effects",
    "label",
    "over_levels",
    "over_schedules",
    "per_seed",
    "regimes",
    "summary",
    "variant_of",
    "versus",
]

CONTROLS = ("random", "top-k")
"""Controls of a mask of its own: as many positions, at random or by energy alone."""

BASELINES = ("plain", "stopped early", *CONTROLS)
"""What a mask is compared with.

- ``"plain"``: plain training;
- ``"stopped early"``: plain training at the mask's training loss
  (:func:`~gradmask.lab.reports.schedules.at_training_loss`);
- ``"random"``, ``"top-k"``: the mask's own controls.
"""


def label(mask: str, control: str) -> str:
    """Name of a mask's control in a record's column "variant": ``"theory, top-k"``."""
    return f"{mask}, {control}"


def variant_of(mask: str, baseline: str) -> str:
    """Variant that a mask's baseline is; one of `CONTROLS` is the mask's own.

    "stopped early" is no variant: it is read off the schedules of plain training.
    """
    return label(mask, baseline) if baseline in CONTROLS else baseline


def per_seed(
    rows: Sequence[Row], variant: str, quantity: str, baseline: str | None = None
) -> list[float]:
    """One value for each seed, in the order of the seeds.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows: one for each seed, variant and number of epochs.
    variant : str
        A variant's name.
    quantity : str
        Which number.
    baseline : str, optional
        One of `BASELINES`, or another variant's name: the values of what the variant
        is compared with, instead of its own.

    Raises
    ------
    ValueError
        If the record has no such variant.
    """
    if baseline == "stopped early":
        return as_fitted(rows, variant, "plain", quantity)
    name = variant if baseline is None else variant_of(variant, baseline)
    return [float(row[quantity]) for row in full_schedule(rows, name)]


def summary(
    rows: Sequence[Row], variant: str, quantity: str, baseline: str | None = None
) -> Interval:
    """Mean over the seeds with its 95 % interval; parameters as of :func:`per_seed`."""
    return mean_interval(per_seed(rows, variant, quantity, baseline))


def effect(
    rows: Sequence[Row],
    variant: str,
    baseline: str,
    quantity: str,
    confidence: float = 0.95,
) -> Interval:
    """Paired difference of a variant to a baseline, with its interval.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    variant : str
        A variant's name.
    baseline : str
        One of `BASELINES`, or another variant's name.
    quantity : str
        Which number.
    confidence : float, default 0.95
        Of the interval.  One of k questions, corrected for the others (Bonferroni), has
        confidence ``1 - 0.05 / k``.
    """
    return paired_difference(
        per_seed(rows, variant, quantity),
        per_seed(rows, variant, quantity, baseline),
        confidence,
    )


def effects(
    rows: Sequence[Row], mask: str, quantity: str, baselines: Iterable[str] = BASELINES
) -> dict[str, Interval]:
    """Paired differences of a mask to several baselines, by the baseline's name."""
    return {name: effect(rows, mask, name, quantity) for name in baselines}


def regimes(
    records: Mapping[str, Sequence[Row]],
    mask: str,
    quantities: Mapping[str, str],
    baselines: Sequence[str] = BASELINES,
) -> dict[str, dict[str, dict[str, Interval]]]:
    """One mask's differences to its baselines, in several records.

    Parameters
    ----------
    records : mapping of str to sequence of dict
        Rows of records by the titles of their regimes.
    mask : str
        Which mask.
    quantities : mapping of str to str
        Which numbers, and the title of each.
    baselines : sequence of str
        All four by default.

    Returns
    -------
    dict
        By the number's title, the regime's and the baseline.
    """
    return {
        title: {
            regime: effects(rows, mask, quantity, baselines)
            for regime, rows in records.items()
        }
        for quantity, title in quantities.items()
    }


def by_seed(
    rows: Sequence[Row], variants: Mapping[str, str], quantities: Mapping[str, str]
) -> dict[str, dict[str, list[float]]]:
    """Paired differences to plain training seed by seed, where seeds are few.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows; a seed without a variant is left out of that variant's.
    variants : mapping of str to str
        Titles, and the variant's name of each.
    quantities : mapping of str to str
        Titles, and the number of each.

    Returns
    -------
    dict
        By the number's title and the variant's.
    """
    found: dict[str, dict[str, list[float]]] = {title: {} for title in quantities}
    for way, name in variants.items():
        seeds = {row["seed"] for row in rows if row["variant"] == name}
        there = [row for row in rows if row["seed"] in seeds]
        for title, quantity in quantities.items():
            both = (per_seed(there, one, quantity) for one in (name, "plain"))
            found[title][way] = [a - b for a, b in zip(*both, strict=True)]
    return found


def versus(
    rows: Sequence[Row],
    variants: Iterable[str],
    baseline: str,
    quantities: Mapping[str, str],
    compare: Callable[[Sequence[Row], str, str, str], Interval] = effect,
) -> dict[str, dict[str, Interval]]:
    """Differences of many variants to one baseline, by the number's title and variant.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    variants : iterable of str
        Variants' names.
    baseline : str
        What each is compared with.
    quantities : mapping of str to str
        Which numbers, and the title of each.
    compare : callable
        :func:`effect` by default, or
        :func:`gradmask.lab.reports.equal_fit.at_equal_fit`.
    """
    names = list(variants)
    return {
        title: {name: compare(rows, name, baseline, quantity) for name in names}
        for quantity, title in quantities.items()
    }


def over_levels(
    rows: Sequence[Row],
    mask: str,
    levels: Mapping[float, str],
    baselines: Iterable[str] = BASELINES,
) -> dict[str, Course]:
    """Means of a mask and of its baselines over a level, such as an attack's strength.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    mask : str
        Which mask.
    levels : mapping of float to str
        The record's number at each level.
    baselines : iterable of str
        All four by default.

    Returns
    -------
    dict
        By "mask" and the baseline's name.
    """
    series: dict[str, str | None] = {"mask": None} | {name: name for name in baselines}
    return {
        name: Course(
            list(levels), [summary(rows, mask, q, baseline) for q in levels.values()]
        )
        for name, baseline in series.items()
    }


def over_schedules(
    rows: Sequence[Row], variants: Iterable[str], quantity: str
) -> dict[str, Course]:
    """Means of variants over the lengths of their schedules, by the variant's name."""
    return {
        name: Course(
            lengths := schedules(rows, name),
            [summary(at_schedule(rows, name, n), name, quantity) for n in lengths],
        )
        for name in variants
    }
