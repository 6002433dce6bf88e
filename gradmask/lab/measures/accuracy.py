"""How often a classifier is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from gradmask.lab.data.images import ImageSet
from gradmask.lab.networks.inspection import predict

__all__ = ["Epoch", "Score", "evaluate", "scored"]


class Score(NamedTuple):
    """Mean cross-entropy in nats, and the share of correct predictions."""

    loss: float
    accuracy: float


class Epoch(NamedTuple):
    """Scores after a pass over the training set; the first pass is number 1."""

    number: int
    train: Score
    validation: Score


def evaluate(model: nn.Module, images: ImageSet, batch_size: int = 500) -> Score:
    """Score a classifier in evaluation mode, and leave it in the mode it was in.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits.
    images : ImageSet
        What to score it on.
    batch_size : int, default 500
        Images per forward pass.

    Returns
    -------
    Score
        Mean loss and accuracy.
    """
    logits = predict(model, images.images, batch_size)
    labels: Tensor = images.labels.to(logits.device)
    return Score(
        F.cross_entropy(logits, labels).item(),
        (logits.argmax(1) == labels).double().mean().item(),
    )


def scored(
    passes: Iterable[object],
    model: nn.Module,
    training: ImageSet,
    validation: ImageSet,
) -> Iterator[Epoch]:
    """Score a network on both sets after every pass of its training.

    Parameters
    ----------
    passes : iterable
        What trains the network when the next is asked for, such as
        :func:`gradmask.lab.training.loop.train` returns.
    model : nn.Module
        The network.
    training, validation : ImageSet
        What it is trained on, and what it is not.

    Yields
    ------
    Epoch
        After every pass.
    """
    for number, _ in enumerate(passes, 1):
        yield Epoch(number, evaluate(model, training), evaluate(model, validation))
