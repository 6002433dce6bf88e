"""What a record says of a variant: paired differences to whatever stands beside it."""

from __future__ import annotations

from collections.abc import Sequence

from gradmask.lab.records import Row
from gradmask.lab.reports.schedules import at_training_loss
from gradmask.lab.reports.stats import Interval, mean_interval, paired_difference
from gradmask.lab.training.variants import CONTROLS, MASKS

__all__ = [
    "BASELINES",
    "at_equal_fit",
    "baselines",
    "beyond_fit",
    "effect",
    "per_seed",
    "summary",
]

BASELINES = ("plain", "stopped early", *CONTROLS)
"""What a mask is compared with."""


def per_seed(rows: Sequence[Row], variant: str, quantity: str) -> list[float]:
    """One value for each seed, in the order of the seeds.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows: one for each seed, variant and number of epochs.
    variant : str
        A variant's name; of several runs of a variant the longest counts.  Or, after
        a mask's name, "stopped early": ``"signal, stopped early"`` is plain training
        at the training loss of that mask (:func:`at_training_loss`), ``"signal,
        plain"`` plain training itself.
    quantity : str
        Which number.

    Raises
    ------
    ValueError
        If the record has no such variant.
    """
    mask, _, control = variant.partition(", ")
    if control == "plain":
        return per_seed(rows, "plain", quantity)
    if control == "stopped early":
        return _as_fitted(rows, mask, "plain", quantity)
    return [float(_longest(own, variant)[quantity]) for own in _by_seed(rows)]


def summary(rows: Sequence[Row], variant: str, quantity: str) -> Interval:
    """Mean of a variant over the seeds, with its 95 % interval."""
    return mean_interval(per_seed(rows, variant, quantity))


def effect(
    rows: Sequence[Row],
    variant: str,
    baseline: str,
    quantity: str,
    confidence: float = 0.95,
) -> Interval:
    """Paired difference of a variant to another, with its interval.

    One of k questions, corrected for the others (Bonferroni), has confidence
    ``1 - 0.05 / k``.
    """
    return paired_difference(
        per_seed(rows, variant, quantity),
        per_seed(rows, baseline, quantity),
        confidence,
    )


def at_equal_fit(
    rows: Sequence[Row],
    variant: str,
    rival: str,
    quantity: str,
    confidence: float = 0.95,
) -> Interval:
    """Paired difference of a variant to a rival with the same training loss.

    Parameters
    ----------
    rows : sequence of dict
        Rows of a record, or of several with the same seeds, with several schedules of
        the rival: the ladder of :func:`at_training_loss`.
    variant, rival : str
        Two variants' names.
    quantity : str
        Which number.
    confidence : float, default 0.95
        As of :func:`effect`.
    """
    return paired_difference(
        per_seed(rows, variant, quantity),
        _as_fitted(rows, variant, rival, quantity),
        confidence,
    )


def beyond_fit(
    rows: Sequence[Row], variant: str, baseline: str, quantity: str
) -> Interval:
    """Paired difference of what two variants gain over plain training *as fitted*.

    Whatever fits less is more robust for that alone.  So each of the two is first
    compared with plain training at its own training loss (:func:`at_training_loss`),
    and then they are compared in that.

    Parameters
    ----------
    rows : sequence of dict
        Rows of a record with a ladder of plain training.
    variant, baseline : str
        Two variants' names.
    quantity : str
        Which number.
    """
    ours, theirs = (
        [
            value - fitted
            for value, fitted in zip(
                per_seed(rows, name, quantity),
                _as_fitted(rows, name, "plain", quantity),
                strict=True,
            )
        ]
        for name in (variant, baseline)
    )
    return paired_difference(ours, theirs)


def baselines(mask: str) -> tuple[str, ...]:
    """Name what stands beside a mask: plain, stopped early, random and top-k."""
    if mask not in MASKS:
        raise ValueError(f"mask must be one of {', '.join(MASKS)}, got {mask!r}")
    return tuple(f"{mask}, {control}" for control in BASELINES)


def _as_fitted(
    rows: Sequence[Row], variant: str, rival: str, quantity: str
) -> list[float]:
    values = []
    for own in _by_seed(rows):
        loss = _longest(own, variant)["train loss"]
        rungs = [row for row in own if row["variant"] == rival]
        values.append(at_training_loss(rungs, loss, quantity))
    return values


def _by_seed(rows: Sequence[Row]) -> list[list[Row]]:
    seeds = sorted({row["seed"] for row in rows})
    return [[row for row in rows if row["seed"] == seed] for seed in seeds]


def _longest(rows: Sequence[Row], variant: str) -> Row:
    runs = [row for row in rows if row["variant"] == variant]
    if not runs:
        there = sorted({row["variant"] for row in rows})
        raise ValueError(f"no variant {variant!r}; there are {', '.join(there)}")
    return max(runs, key=lambda row: int(row["epochs"]))
