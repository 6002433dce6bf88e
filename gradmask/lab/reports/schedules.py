"""Plain training stopped at a masked run's training loss.

A mask slows fitting, and a network that has fitted less has overfitted less: without
this control early stopping passes for lateral inhibition.  Stopping in the middle of a
learning-rate schedule would be unfair to plain training, so it is trained with several
schedules, each run to its end, the rungs of a ladder; a masked run is compared with
the point of the ladder that has its training loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gradmask.lab.records import Row

__all__ = ["at_training_loss"]


def at_training_loss(rungs: Sequence[Row], loss: float, quantity: str) -> float:
    """Value that plain training, or a rival, has at a training loss.

    The rungs are the same training with several schedules.

    Interpolated linearly over the logarithm of the training loss; beyond either end
    of the ladder it is the end's own value.

    Parameters
    ----------
    rungs : sequence of dict
        Rows of one training with schedules of different lengths, each with
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
        If there is no rung.

    Examples
    --------
    >>> rungs = [{"train loss": 1.0, "gap": 0.0}, {"train loss": 0.01, "gap": 0.4}]
    >>> at_training_loss(rungs, 0.1, "gap")
    0.2
    """
    if not rungs:
        raise ValueError("a ladder needs at least one rung")
    known = sorted((math.log(rung["train loss"]), rung[quantity]) for rung in rungs)
    losses, values = zip(*known, strict=True)
    return float(np.interp(math.log(loss), losses, values))
