"""Schedules: how long a variant was trained, and plain training stopped early.

A record holds every variant trained with its *full schedule*, the longest one, and
some of them trained with *shorter schedules* too, each run to its end.  Whatever the
reports say of a variant they say of its full schedule (:func:`full_schedule`);
:func:`at_schedule` makes a shorter one take its place.

The shorter schedules serve one control.  A mask slows fitting, and a network that has
fitted less has overfitted less: without this control early stopping passes for lateral
inhibition.  Stopping in the middle of a learning-rate schedule would be unfair to plain
training.  So a masked run is compared with what the schedules of plain training give at
its training loss (:func:`at_training_loss`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gradmask.lab.records import Row
from gradmask.lab.reports.stats import Course, mean_interval

__all__ = [
    "as_fitted",
    "at_schedule",
    "at_training_loss",
    "full_schedule",
    "path",
    "schedules",
]


def schedules(rows: Sequence[Row], variant: str) -> list[int]:
    """Lengths of a variant's schedules in epochs, the full one last.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows: one for each seed, variant and number of epochs.
    variant : str
        The variant's name.

    Raises
    ------
    ValueError
        If the record has no such variant.
    """
    lengths = sorted({row["epochs"] for row in rows if row["variant"] == variant})
    if not lengths:
        there = sorted({row["variant"] for row in rows})
        raise ValueError(f"no variant {variant!r}; there are {', '.join(there)}")
    return lengths


def full_schedule(rows: Sequence[Row], variant: str) -> list[Row]:
    """Rows of a variant's longest schedule, one for each seed, in the seeds' order.

    Parameters
    ----------
    rows : sequence of dict
        As of :func:`schedules`.
    variant : str
        The variant's name.

    Raises
    ------
    ValueError
        If the record has no such variant, or if a seed of the record lacks its full
        schedule.
    """
    longest = schedules(rows, variant)[-1]
    own: dict[int, Row] = {}
    for row in rows:
        if (row["variant"], row["epochs"]) == (variant, longest):
            own.setdefault(row["seed"], row)
    if missing := {row["seed"] for row in rows} - own.keys():
        raise ValueError(
            f"variant {variant!r} was not trained for {longest} epochs with "
            f"{', '.join(f'seed {seed}' for seed in sorted(missing))}"
        )
    return [own[seed] for seed in sorted(own)]


def at_schedule(rows: Sequence[Row], variant: str, epochs: int) -> list[Row]:
    """All rows but those of a variant's other schedules, so that this one is the full.

    Parameters
    ----------
    rows : sequence of dict
        As of :func:`schedules`.
    variant : str
        The variant's name; rows of other variants stay as they are.
    epochs : int
        Length of the schedule.

    Raises
    ------
    ValueError
        If the variant has no such schedule.
    """
    lengths = schedules(rows, variant)
    if epochs not in lengths:
        raise ValueError(f"{variant!r} has no schedule of {epochs}, but of {lengths}")
    return [r for r in rows if r["variant"] != variant or r["epochs"] == epochs]


def at_training_loss(rows: Sequence[Row], loss: float, quantity: str) -> float:
    """Value that plain training, or a rival, has at a training loss.

    The value is interpolated linearly over the logarithm of the training loss.  Beyond
    the losses of all schedules it is that of the nearest one.

    Parameters
    ----------
    rows : sequence of dict
        Rows of one training and one seed with schedules of different lengths, each with
        "train loss" and `quantity`.
    loss : float
        Training loss wanted, in nats, positive.
    quantity : str
        Which of the rows' numbers.

    Returns
    -------
    float
        The value.

    Raises
    ------
    ValueError
        If there is no row.

    Examples
    --------
    >>> rows = [{"train loss": 1.0, "gap": 0.0}, {"train loss": 0.01, "gap": 0.4}]
    >>> at_training_loss(rows, 0.1, "gap")
    0.2
    """
    if not rows:
        raise ValueError("a comparison at equal fit needs at least one schedule")
    known = sorted((math.log(row["train loss"]), row[quantity]) for row in rows)
    losses, values = zip(*known, strict=True)
    return float(np.interp(math.log(loss), losses, values))


def as_fitted(
    rows: Sequence[Row], variant: str, rival: str, quantity: str
) -> list[float]:
    """What a rival has at a variant's training losses, seed by seed.

    Parameters
    ----------
    rows : sequence of dict
        As of :func:`schedules`, each with its "train loss".
    variant, rival : str
        Two variants' names.
    quantity : str
        Which number.
    """
    rivals = [row for row in rows if row["variant"] == rival]
    return [
        at_training_loss(
            [row for row in rivals if row["seed"] == own["seed"]],
            own["train loss"],
            quantity,
        )
        for own in full_schedule(rows, variant)
    ]


def path(rows: Sequence[Row], variant: str, quantity: str) -> Course:
    """A quantity over the training loss, schedule by schedule, the shortest first.

    Parameters
    ----------
    rows : sequence of dict
        As of :func:`schedules`, each with its "train loss".
    variant : str
        The variant's name.
    quantity : str
        Which number.

    Returns
    -------
    Course
        The geometric mean of the training losses, and the quantity's interval.
    """
    losses, values = [], []
    for epochs in schedules(rows, variant):
        own = full_schedule(at_schedule(rows, variant, epochs), variant)
        logarithms = [math.log(row["train loss"]) for row in own]
        losses.append(math.exp(sum(logarithms) / len(own)))
        values.append(mean_interval([row[quantity] for row in own]))
    return Course(losses, values)
