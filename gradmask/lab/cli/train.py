"""Train one of torchvision's networks on photographs, with or without a mask.

On the command line,

    python -m gradmask.lab.cli.train cifar10 DATA --model resnet18 --mask theory
    python -m gradmask.lab.cli.train folder DATA --model resnet50 --save masked.pt

with CIFAR downloaded into DATA where it is not there, or ``DATA/train/CLASS/*`` and
``DATA/val/CLASS/*`` as for ImageNet.  Started by ``accelerate launch``, several
processes share every batch, in the precision that the launcher says.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets
from torchvision.models import get_model
from torchvision.transforms import v2

from gradmask import GradientMask
from gradmask.lab.data.photographs import MEAN, STD
from gradmask.lab.settings import find_device
from gradmask.lab.training.variants import MASKS, with_controls

__all__ = ["SOURCES", "Epoch", "load", "main", "train"]

CIFAR = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}
SOURCES = (*CIFAR, "folder")
"""Where images come from."""

VARIANTS = {variant.label: variant for variant in with_controls(*MASKS)}


class Epoch(NamedTuple):
    """What a pass led to: its mean loss, the accuracy on validation, its seconds."""

    number: int
    loss: float
    accuracy: float
    seconds: float


def load(source: str, root: Path, side: int) -> tuple[Dataset[Any], Dataset[Any]]:
    """Images to train on, cropped and flipped at random, and to validate with.

    Parameters
    ----------
    source : str
        One of `SOURCES`.  torchvision compares the files of CIFAR with their published
        checksums before it opens them.
    root : Path
        Folder that CIFAR is in or is downloaded into, or that holds ``train`` and
        ``val``.
    side : int
        Of the images, in pixels.  CIFAR's are magnified.

    Returns
    -------
    tuple of Dataset
        Of images (3, side, side), normalised as torchvision's networks expect, and
        labels.  Training and validation; for CIFAR the latter is its test split.

    Raises
    ------
    OSError
        If a folder is missing, or empty.
    ValueError
        If there is no such source.
    """
    if source not in SOURCES:
        raise ValueError(f"source must be one of {SOURCES}, got {source!r}")
    finish = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    finish += [v2.Normalize(MEAN, STD)]
    flip = v2.RandomHorizontalFlip()
    if source == "folder":
        training = v2.Compose([v2.RandomResizedCrop(side), flip, *finish])
        middle = [v2.Resize(round(side * 8 / 7)), v2.CenterCrop(side)]
        validation = v2.Compose([*middle, *finish])
        return (
            datasets.ImageFolder(root / "train", training),
            datasets.ImageFolder(root / "val", validation),
        )
    crop = v2.RandomCrop(32, padding=4)
    training = v2.Compose([crop, flip, v2.Resize(side), *finish])
    validation = v2.Compose([v2.Resize(side), *finish])
    both = CIFAR[source]
    return (
        both(root, train=True, transform=training, download=True),
        both(root, train=False, transform=validation, download=True),
    )


def train(
    model: nn.Module,
    training: Dataset[Any],
    validation: Dataset[Any],
    *,
    epochs: int,
    inhibition: GradientMask | None = None,
    batch_size: int = 128,
    learning_rate: float = 0.1,
    workers: int = 0,
) -> Iterator[Epoch]:
    """Train a classifier in place, a pass at a time.

    Stochastic gradient descent as in :func:`gradmask.lab.training.loop.train`, for
    images that do not fit into memory.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits.
    training, validation : Dataset
        As :func:`load` gives them.
    epochs : int
        Passes over the training images.
    inhibition : GradientMask, optional
        Attached throughout.  Default: plain backpropagation.
    batch_size : int, default 128
        Images per step, of every process.
    learning_rate : float, default 0.1
        Peak of the one-cycle schedule.
    workers : int, default 0
        Processes that read images.

    Yields
    ------
    Epoch
        After every pass.

    Raises
    ------
    ValueError
        If there are fewer training images than a batch.
    """
    engine = _engine()
    sgd = torch.optim.SGD(
        model.parameters(), learning_rate, 0.9, weight_decay=5e-4, nesterov=True
    )
    network, optimizer, batches, held_out = engine.prepare(
        model.to(memory_format=torch.channels_last),
        sgd,
        DataLoader(
            training, batch_size, shuffle=True, drop_last=True, num_workers=workers
        ),
        DataLoader(validation, batch_size, num_workers=workers),
    )
    if not len(batches):
        raise ValueError(f"fewer training images than a batch of {batch_size}")
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        sgd, learning_rate, total_steps=epochs * len(batches)
    )
    with ExitStack() as attached:
        if inhibition:
            attached.enter_context(inhibition.attach(engine.unwrap_model(network)))
        for number in range(1, epochs + 1):
            begin, losses = time.perf_counter(), []
            network.train()
            for images, labels in batches:
                loss = F.cross_entropy(network(images), labels)
                optimizer.zero_grad()
                engine.backward(loss)
                optimizer.step()
                schedule.step()
                losses.append(loss.detach())
            seconds = time.perf_counter() - begin
            mean = engine.reduce(torch.stack(losses).mean(), "mean")
            accuracy = _accuracy(engine, network, held_out)
            yield Epoch(number, float(mean), accuracy, seconds)


def _engine() -> Accelerator:
    return Accelerator(cpu=find_device().type == "cpu")


@torch.no_grad()
def _accuracy(
    engine: Accelerator, network: nn.Module, held_out: DataLoader[Any]
) -> float:
    network.eval()
    right = [
        engine.gather_for_metrics(network(images).argmax(1) == labels)
        for images, labels in held_out
    ]
    return torch.cat(right).double().mean().item()


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the arguments say; the exit status is 0 if nothing went wrong."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace) -> None:
    set_seed(options.seed)
    side = options.side or (224 if options.source == "folder" else 128)
    training, validation = load(options.source, options.data, side)
    classes = len(training.classes)  # type: ignore[attr-defined]
    model: nn.Module = get_model(options.model, weights=None, num_classes=classes)
    masks = VARIANTS[options.mask].schedule(options.seed, options.epochs)
    passes = train(
        model,
        training,
        validation,
        epochs=options.epochs,
        inhibition=masks(1),
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        workers=options.workers,
    )
    for epoch in passes:
        if _engine().is_main_process:
            print(
                f"epoch {epoch.number:3}: loss {epoch.loss:.3f}, validation accuracy "
                f"{epoch.accuracy:.1%}, {epoch.seconds:.0f} s",
                flush=True,
            )
    if options.save and _engine().is_main_process:
        torch.save(model.state_dict(), options.save)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m gradmask.lab.cli.train",
        description="Train one of torchvision's networks, with or without a mask.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("source", choices=SOURCES, help="what DATA holds")
    add("data", type=Path, help="folder of the images")
    add("--model", default="resnet18", help="one of torchvision's networks")
    add("--mask", choices=VARIANTS, default="plain", help="how to train")
    add("--epochs", type=int, default=30, help="passes over the training images")
    add("--side", type=int, help="of an image in pixels; 128 for CIFAR, or 224")
    add("--batch-size", type=int, default=128, help="images per step and process")
    add("--learning-rate", type=float, default=0.1, help="peak of the schedule")
    add("--workers", type=int, default=4, help="processes that read images")
    add("--seed", type=int, default=0, help="of weights, order and crops")
    add("--save", type=Path, help="file to write the state dict to")
    return parser


if __name__ == "__main__":
    sys.exit(main())
