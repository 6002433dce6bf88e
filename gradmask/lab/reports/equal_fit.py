"""Comparisons at equal training loss: what a mask does beyond fitting less."""

from __future__ import annotations

from collections.abc import Sequence

from gradmask.lab.records import Row
from gradmask.lab.reports.comparison import per_seed, variant_of
from gradmask.lab.reports.schedules import as_fitted
from gradmask.lab.reports.stats import Interval, paired_difference

__all__ = ["at_equal_fit", "beyond_fit"]


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
        the rival.
    variant : str
        A variant's name.
    rival : str
        ``"plain"``, a control of the variant, or another variant's name.
    quantity : str
        Which number.
    confidence : float, default 0.95
        As of :func:`effect`.
    """
    return paired_difference(
        per_seed(rows, variant, quantity),
        as_fitted(rows, variant, variant_of(variant, rival), quantity),
        confidence,
    )


def beyond_fit(
    rows: Sequence[Row], variant: str, baseline: str, quantity: str
) -> Interval:
    """Paired difference of what two variants gain over plain training *as fitted*.

    Whatever fits less is more robust for that alone.  So each of the two is first
    compared with plain training at its own training loss, and then they are compared in
    that.

    Parameters
    ----------
    rows : sequence of dict
        Rows of a record with several schedules of plain training.
    variant : str
        A variant's name.
    baseline : str
        ``"plain"``, a control of the variant, or another variant's name.
    quantity : str
        Which number.
    """
    ours, theirs = (
        [
            value - fitted
            for value, fitted in zip(
                per_seed(rows, name, quantity),
                as_fitted(rows, name, "plain", quantity),
                strict=True,
            )
        ]
        for name in (variant, variant_of(variant, baseline))
    )
    return paired_difference(ours, theirs)
