"""Train one of torchvision's networks on photographs, with or without a mask.

On the command line,

    python -m gradmask.lab train cifar10 DATA --model resnet18 --mask theory
    python -m gradmask.lab train folder DATA --model resnet50 --out masked

with CIFAR downloaded into DATA where it is not there, or ``DATA/train/CLASS/*`` and
``DATA/val/CLASS/*`` as for ImageNet.  Started by ``accelerate launch``, several
processes share every batch, in the precision that the launcher says.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.utils import set_seed
from torch import nn
from torchvision.models import get_model

from gradmask import GradientMask
from gradmask.lab.cli.history import PENDING, History
from gradmask.lab.data.folders import SOURCES, FileSplits, load_files
from gradmask.lab.measures.accuracy import evaluate_shared
from gradmask.lab.settings import find_device
from gradmask.lab.training.loop import train
from gradmask.lab.training.variants import CONTROLS, MASKS, SOFT_MASKS, Control, Variant

__all__ = ["add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments, and its work."""
    parser.description = "Train one of torchvision's networks, with or without a mask."
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    add = parser.add_argument
    add("source", choices=SOURCES, help="what DATA holds")
    add("data", type=Path, help="folder of the images")
    add("--model", default="resnet18", help="one of torchvision's networks")
    add(
        "--mask",
        choices=("plain", *MASKS, *SOFT_MASKS),
        default="plain",
        help="how to train",
    )
    add("--control", choices=CONTROLS, help="in place of the mask, what to hold it to")
    add("--epochs", type=int, default=30, help="passes over the training images")
    add("--side", type=int, help="of an image in pixels; 128 for CIFAR, or 224")
    add("--batch-size", type=int, default=128, help="images per step")
    add("--learning-rate", type=float, default=0.1, help="peak of the schedule")
    add("--workers", type=int, default=4, help="processes that read images")
    add("--seed", type=int, default=0, help="of weights, order and crops")
    add(
        "--out",
        type=Path,
        help="folder for history.json, model.pt, and state.pt, from which the same "
        "command goes on where it was interrupted",
    )
    parser.set_defaults(command=_train)


def _train(options: argparse.Namespace) -> int:
    processes = PartialState(cpu=find_device().type == "cpu")
    inhibition = _mask(options.mask, options.control, options.seed)
    side = options.side or (224 if options.source == "folder" else 128)
    with processes.main_process_first():
        images = load_files(
            options.source,
            options.data,
            side,
            seed=options.seed,
            workers=options.workers,
        )
    set_seed(options.seed)
    model: nn.Module = get_model(
        options.model, weights=None, num_classes=len(images.train.classes)
    ).to(processes.device)
    history = None
    if options.out and processes.is_main_process:
        config = _config(options, side, images)
        history = History.open(options.out, config, processes.device)
        if history.rows:
            print(f"{len(history.rows)} of {options.epochs} epochs are done")
    processes.wait_for_everyone()
    passes = train(
        model,
        images.train,
        epochs=options.epochs,
        inhibition=inhibition,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        seed=options.seed,
        checkpoint=options.out and options.out / PENDING,
    )
    for one in passes:
        score = evaluate_shared(model, images.validation, options.batch_size)
        if processes.is_main_process:
            print(
                f"epoch {one.number:3}: loss {one.loss:.3f}, validation accuracy "
                f"{score.accuracy:.1%}, {one.seconds:.0f} s",
                flush=True,
            )
        if history:
            history.add(
                {
                    "epoch": one.number,
                    "train loss": one.loss,
                    "validation loss": score.loss,
                    "validation accuracy": score.accuracy,
                    "seconds": round(one.seconds, 1),
                }
            )
    if history:
        history.close(model)
    return 0


def _mask(name: str, control: Control | None, seed: int) -> GradientMask | None:
    if name == "plain":
        if control:
            raise ValueError(
                f"the control {control!r} needs a mask: name one with --mask"
            )
        return None
    return Variant(name, (MASKS | SOFT_MASKS)[name], control).schedule(seed, 1)(1)


def _config(
    options: argparse.Namespace, side: int, images: FileSplits
) -> dict[str, Any]:
    chosen = "source model mask control epochs batch_size learning_rate seed"
    return {
        **{name: getattr(options, name) for name in chosen.split()},
        "side": side,
        "images": len(images.train),
        "validation_images": len(images.validation),
        "classes": images.train.classes,
    }
