"""One training loop, the same for every network, every mask and every set of images."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn

from gradmask import GradientMask
from gradmask.lab.data.images import Batches, ImageSet
from gradmask.lab.settings import multiplies_halves
from gradmask.lab.training.replay import Replayed

__all__ = ["LEARNING_RATE", "Augment", "Pass", "finish", "stages", "train"]

LEARNING_RATE = 0.05
"""Peak of the schedule, of every network with normalisation."""

MEASURED_EVERY = 20
"""Steps from one measurement of a steered mask to the next."""

Augment = Callable[[nn.Module, ImageSet], tuple[Tensor, Tensor]]
"""Takes the network, as it is before a step, and a batch to the images and targets to
train on: classes (B,), or shares of them (B, K)."""


class Pass(NamedTuple):
    """A pass over the training set.

    Attributes
    ----------
    number : int
        Which one; the first is 1.
    loss : float
        Mean loss of its batches while it trained, in nats.
    seconds : float
        How long it took.
    """

    number: int
    loss: float
    seconds: float


def train(
    model: nn.Module,
    training: Batches,
    *,
    epochs: int,
    inhibition: GradientMask | Callable[[int], GradientMask | None] | None = None,
    batch_size: int = 64,
    learning_rate: float = LEARNING_RATE,
    seed: int,
    augment: Augment | None = None,
    fast: bool = False,
    checkpoint: Path | None = None,
) -> Iterator[Pass]:
    """Train a classifier in place, a pass at a time; nothing is scored.

    Stochastic gradient descent with Nesterov momentum, weight decay 5e-4 and a
    one-cycle schedule: the momentum falls from 0.95 to 0.85 while the rate rises, and
    rises again.  The weights are laid out channels last.  Whoever asks for the passes
    measures between them; the pass's mask is still attached then.  Nothing happens
    until the first pass is asked for (:func:`finish` asks for all of them).

    One process trains on the device that the model is on.  Started by ``accelerate
    launch`` or ``torchrun``, several share every batch, each on its own device, and
    mixed precision and compilation are what the launcher says: the engine is
    Hugging Face's Accelerate.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits.
    training : ImageSet or Batches
        The training set.
    epochs : int
        Passes over it.
    inhibition : GradientMask or callable, optional
        Attached while training; or a schedule, which takes the number of a pass, the
        first being 1, to its mask or None.  Default: plain backpropagation.
    batch_size : int, default 64
        Images per step, of all processes together.
    learning_rate : float, default 0.05
        Peak of the schedule.
    seed : int
        Of the order of the images.
    augment : callable, optional
        Changes every batch; see :data:`Augment`.
    fast : bool, default False
        Whether a GPU, or a processor with units for it, computes in bfloat16 what
        autocast says can be, and a single GPU replays its steps as a CUDA graph.
    checkpoint : Path, optional
        File that keeps the state after every pass, replaced in one step.  If it is
        there, training continues behind the pass that wrote it.

    Yields
    ------
    Pass
        After every pass.

    Raises
    ------
    ValueError
        If there are fewer images than a batch.
    """
    steps = len(training) // batch_size
    if not steps:
        raise ValueError(
            f"{len(training)} training images are fewer than a batch of {batch_size}"
        )
    engine = Accelerator(cpu=next(model.parameters()).device.type == "cpu")
    # A fifth to two fifths faster for small networks on a CPU.
    model.to(engine.device).to(memory_format=torch.channels_last)
    training = training.to(engine.device)
    fast = fast and multiplies_halves(engine.device)
    order = torch.Generator().manual_seed(seed)
    sgd = torch.optim.SGD(
        model.parameters(), learning_rate, 0.9, weight_decay=5e-4, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        sgd, learning_rate, total_steps=epochs * steps
    )
    state = _State(model, sgd, schedule, order)
    done = state.load(checkpoint) if checkpoint and checkpoint.exists() else 0
    optimizer = engine.prepare(sgd)

    def gradients(images: Tensor, targets: Tensor, parts: int = 1) -> Tensor:
        with torch.autocast(engine.device.type, torch.bfloat16, enabled=fast):
            loss = F.cross_entropy(network(images), targets) / parts
        engine.backward(loss)
        return loss.detach()

    mask = handle = step = None
    with ExitStack() as attached:
        for number in range(done + 1, epochs + 1):
            wanted = inhibition(number) if callable(inhibition) else inhibition
            if step is None or wanted != mask:
                attached.close()
                mask = wanted
                handle = attached.enter_context(mask.attach(model)) if mask else None
                alone = engine.num_processes == 1
                replays = fast and engine.device.type == "cuda" and alone
                step = Replayed(gradients, model, handle) if replays else gradients
            begin, losses = time.perf_counter(), []
            shuffled = torch.randperm(len(training), generator=order)
            indices = shuffled[: steps * batch_size].view(steps, batch_size)
            share = indices[:, engine.process_index :: engine.num_processes]
            network = engine.prepare(model.train())
            for count, batch in enumerate(training.batches(share, engine.device)):
                images, targets = batch.images, batch.labels
                if augment:
                    images, targets = augment(model, batch)
                optimizer.zero_grad()
                if count % MEASURED_EVERY == 0 and handle and handle.strengths:
                    with handle.measuring():
                        halves = zip(images.chunk(2), targets.chunk(2), strict=True)
                        losses += [gradients(x, y, 2) for x, y in halves]
                else:
                    losses.append(step(images, targets))
                optimizer.step()
                schedule.step()
            engine.unwrap_model(network, keep_fp32_wrapper=False)
            mean = engine.reduce(torch.stack(losses).sum() / steps, "mean")
            seconds = time.perf_counter() - begin
            if checkpoint and engine.is_main_process:
                state.save(checkpoint, number)
            yield Pass(number, float(mean), seconds)


def finish(passes: Iterable[Pass]) -> Pass:
    """Train to the end, and return the last pass.

    Raises
    ------
    ValueError
        If there is none.
    """
    *_, last = passes
    return last


def stages(passes: Iterable[Pass]) -> Iterator[int]:
    """Stop before the first pass, at 0, and after every pass, at its number."""
    yield 0
    for one in passes:
        yield one.number


class _State(NamedTuple):
    model: nn.Module
    sgd: torch.optim.SGD
    schedule: torch.optim.lr_scheduler.OneCycleLR
    order: torch.Generator

    def save(self, path: Path, number: int) -> None:
        temporary = path.with_suffix(".tmp")
        state = {
            "pass": number,
            "model": self.model.state_dict(),
            "sgd": self.sgd.state_dict(),
            "schedule": self.schedule.state_dict(),
            "order": self.order.get_state(),
        }
        torch.save(state, temporary)
        temporary.replace(path)

    def load(self, path: Path) -> int:
        state = torch.load(path, "cpu", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.sgd.load_state_dict(state["sgd"])
        self.schedule.load_state_dict(state["schedule"])
        self.order.set_state(state["order"])
        return int(state["pass"])
