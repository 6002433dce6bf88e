"""How often a classifier is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn

from gradmask.lab.data.images import Batches, ImageSet
from gradmask.lab.networks.inspection import predict

__all__ = [
    "Epoch",
    "Score",
    "calibration_error",
    "evaluate",
    "evaluate_shared",
    "scored",
]


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


def calibration_error(logits: Tensor, labels: Tensor, bins: int = 15) -> float:
    r"""Expected calibration error: how far confidence and accuracy are apart.

    .. math:: \sum_b \frac{n_b}{n} \, |\mathrm{acc}_b - \mathrm{conf}_b|

    over bins of equal width of the confidence, the probability of the predicted class.

    Parameters
    ----------
    logits : Tensor
        Shape (N, K).
    labels : Tensor
        Shape (N,), on the same device.
    bins : int, default 15
        How many.

    References
    ----------
    Guo et al., *On calibration of modern neural networks*, ICML 2017.

    Examples
    --------
    Two predictions, both as good as certain, of which one is right:

    >>> logits = torch.tensor([[50.0, 0.0], [50.0, 0.0]])
    >>> calibration_error(logits, torch.tensor([0, 1]))
    0.5
    """
    confidence, predicted = logits.double().softmax(1).max(1)
    surplus = (predicted == labels).double() - confidence
    index = (confidence * bins).long().clamp(max=bins - 1)
    sums = surplus.new_zeros(bins).index_add(0, index, surplus)
    return (sums.abs().sum() / len(labels)).item()


def evaluate_shared(model: nn.Module, images: Batches, batch_size: int = 500) -> Score:
    """Score a classifier as :func:`evaluate` does, all processes sharing the images.

    Every process has to call it, and gets the score on all images.  No more than a
    batch is in memory at once.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits; it is left in the mode it was in.
    images : ImageSet or Batches
        What to score it on.
    batch_size : int, default 500
        Images per forward pass of every process.

    Returns
    -------
    Score
        Mean loss and accuracy.
    """
    device = next(model.parameters()).device
    engine = Accelerator(cpu=device.type == "cpu")
    own = torch.arange(len(images))[engine.process_index :: engine.num_processes]
    sums = torch.zeros(2, device=device)
    rows = (row for row in own.split(batch_size) if len(row))
    for batch in images.batches(rows, device):
        logits = predict(model, batch.images, batch_size)
        right = (logits.argmax(1) == batch.labels).sum()
        loss = F.cross_entropy(logits, batch.labels, reduction="sum")
        sums += torch.stack([loss, right])
    loss, right = engine.reduce(sums, "sum") / len(images)
    return Score(loss.item(), right.item())


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
