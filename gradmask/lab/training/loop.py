"""One training loop, the same for every network and every mask."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from gradmask import GradientMask
from gradmask.lab.data.fashion import Split
from gradmask.lab.data.scenes import Scenes

__all__ = ["LEARNING_RATE", "Epoch", "Score", "evaluate", "train"]

LEARNING_RATE = 0.05
"""Peak of the schedule, of every network with normalisation."""


class Score(NamedTuple):
    """Mean cross-entropy in nats, and the share of correct predictions."""

    loss: float
    accuracy: float


class Epoch(NamedTuple):
    """What a pass over the training set led to; the seconds are the pass's own."""

    number: int
    train: Score
    validation: Score
    seconds: float


def train(
    model: nn.Module,
    training: Split | Scenes,
    validation: Split | Scenes,
    *,
    epochs: int,
    inhibition: GradientMask | Callable[[int], GradientMask | None] | None = None,
    batch_size: int = 64,
    learning_rate: float = LEARNING_RATE,
    seed: int,
    augment: Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
    score_every: int = 1,
    after_epoch: Callable[[int, nn.Module], object] | None = None,
    progress: str | None = None,
) -> list[Epoch]:
    """Train a classifier in place, with or without a Gradient Mask.

    Stochastic gradient descent with Nesterov momentum 0.9, weight decay 5e-4 and a
    one-cycle schedule; the weights are laid out channels last.  Both scores of an epoch
    are measured in evaluation mode, after it.

    One process trains on the device that the model is on.  Started by ``accelerate
    launch`` or ``torchrun``, several share every batch, each on its own device, and
    mixed precision and compilation are what the launcher says: the engine is
    Hugging Face's Accelerate.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits.
    training, validation : Split or Scenes
        Images (N, 1, H, W) and labels (N,).
    epochs : int
        Passes over the training set.
    inhibition : GradientMask or callable, optional
        Attached while training; or a schedule, which takes the number of a pass, the
        first being 1, to its mask or None.  Default: plain backpropagation.
    batch_size : int, default 64
        Images per step.
    learning_rate : float, default 0.05
        Peak of the schedule.
    seed : int
        Of the order of the images.
    augment : callable, optional
        Takes the model, as it is before a step, and the images and labels of a batch to
        the images and targets to train on: classes (B,), or shares of them (B, K).
        Default: those of the batch.
    score_every : int, default 1
        Every how many passes to take the scores; after the last one in any case.
    after_epoch : callable, optional
        Called with the number of passes made and the model: first with 0, before
        training, then after every pass, with the pass's mask attached.
    progress : str, optional
        Title of a progress bar.  Default: none.

    Returns
    -------
    list of Epoch
        One per scored pass.
    """
    engine = Accelerator(cpu=next(model.parameters()).device.type == "cpu")
    # A fifth to two fifths faster for small networks on a CPU.
    model.to(engine.device).to(memory_format=torch.channels_last)
    training, validation = (
        Split(split.images.to(engine.device), split.labels.to(engine.device))
        for split in (training, validation)
    )
    order = torch.Generator().manual_seed(seed)
    steps = len(training.images) // batch_size
    sgd = torch.optim.SGD(
        model.parameters(),
        learning_rate,
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        sgd, learning_rate, total_steps=epochs * steps
    )
    history = []
    if after_epoch:
        after_epoch(0, model)
    optimizer = engine.prepare(sgd)
    numbers = range(1, epochs + 1)
    mask = None
    with ExitStack() as attached:
        for number in tqdm(numbers, progress, leave=False, disable=progress is None):
            wanted = inhibition(number) if callable(inhibition) else inhibition
            if wanted != mask:
                attached.close()
                mask = wanted
                if mask:
                    attached.enter_context(mask.attach(model))
            begin = time.perf_counter()
            shuffled = torch.randperm(len(training.images), generator=order)
            shuffled = shuffled[: steps * batch_size].view(steps, batch_size)
            network = engine.prepare(model.train())
            for batch in shuffled.to(engine.device):
                share = batch[engine.process_index :: engine.num_processes]
                images, targets = training.images[share], training.labels[share]
                if augment:
                    images, targets = augment(model, images, targets)
                loss = F.cross_entropy(network(images), targets)
                optimizer.zero_grad()
                engine.backward(loss)
                optimizer.step()
                schedule.step()
            engine.unwrap_model(network, keep_fp32_wrapper=False)
            seconds = time.perf_counter() - begin
            if number % score_every == 0 or number == epochs:
                scores = evaluate(model, training), evaluate(model, validation)
                history.append(Epoch(number, *scores, seconds))
            if after_epoch:
                after_epoch(number, model)
    return history


@torch.no_grad()
def evaluate(model: nn.Module, split: Split | Scenes, batch_size: int = 500) -> Score:
    """Score a classifier in evaluation mode, and leave it in the mode it was in.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits.
    split : Split or Scenes
        Images (N, 1, H, W) and labels (N,).
    batch_size : int, default 500
        Images per forward pass.

    Returns
    -------
    Score
        Mean loss and accuracy.
    """
    device = next(model.parameters()).device
    before = model.training
    model.eval()
    logits = torch.cat(
        [model(images.to(device)) for images in torch.split(split.images, batch_size)]
    )
    model.train(before)
    labels: Tensor = split.labels.to(device)
    return Score(
        F.cross_entropy(logits, labels).item(),
        (logits.argmax(1) == labels).double().mean().item(),
    )
