"""Print how well saliency maps find the objects of a folder of photographs with boxes.

On the command line,

    python -m gradmask.lab judge IMAGES ANNOTATIONS --model resnet18

prints the table: every map of :mod:`gradmask.lab.measures.saliency.maps`, every measure
of :mod:`gradmask.lab.measures.saliency.localisation`, means over the images with 95 %
intervals.
"""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path

import torch
from torch import nn
from torchvision.models import get_model

from gradmask.lab.data.idx import DataError
from gradmask.lab.data.photographs import Photographs
from gradmask.lab.measures.saliency.photographs import localise_photographs
from gradmask.lab.settings import find_device

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command ``judge``."""
    parser = commands.add_parser(
        "judge",
        help="measure how well saliency maps find the objects of photographs",
        description="How well saliency maps find the objects of a folder of images.",
    )
    add = parser.add_argument
    add("images", type=Path, help="folder of JPEG or PNG files")
    add("annotations", type=Path, help="folder of their XML files")
    add("--model", required=True, help="one of torchvision's networks")
    add("--weights", type=Path, help="its state dict (torchvision's own, downloaded)")
    add(
        "--classes",
        type=Path,
        help="file with the classes' names, a line each, in the network's order (those "
        "of the annotations, sorted)",
    )
    parser.set_defaults(command=_judge)


def _judge(options: argparse.Namespace) -> int:
    classes = options.classes and _lines(options.classes)
    photographs = Photographs(options.images, options.annotations, classes)
    model = _network(options.model, options.weights, len(photographs.classes))
    table = localise_photographs(model.to(find_device()), photographs)
    print(
        f"{options.model}, {len(photographs)} images with one object, "
        f"{photographs.left_out} with several left out"
    )
    print(f"{'':12}" + "".join(f"{key:>24}" for key in table["random"]))
    for name, measures in table.items():
        cells = (f"{m:.3f} [{a:.3f}, {b:.3f}]" for m, a, b in measures.values())
        print(f"{name:12}" + "".join(f"{cell:>24}" for cell in cells))
    return 0


def _lines(path: Path) -> list[str]:
    """Read the lines of a file, which may begin with a byte-order mark."""
    lines = (line.strip() for line in path.read_text("utf-8-sig").splitlines())
    return [line for line in lines if line]


def _network(name: str, weights: Path | None, classes: int) -> nn.Module:
    """Build torchvision's network, with its own weights or with those of a file."""
    model: nn.Module
    if weights is None:
        model = get_model(name, weights="DEFAULT")
    else:
        model = get_model(name, num_classes=classes)
        _load(model, weights)
    *_, head = (m for m in model.modules() if isinstance(m, nn.Linear))
    if head.out_features != classes:
        raise DataError(
            f"{name} knows {head.out_features} classes, the annotations {classes}: "
            "name the network's, a line each and in its order, in a file for --classes"
        )
    return model


def _load(model: nn.Module, weights: Path) -> None:
    try:
        model.load_state_dict(torch.load(weights, "cpu", weights_only=True))
    except (AttributeError, EOFError, RuntimeError, TypeError, pickle.PickleError) as e:
        raise DataError(
            f"{weights} holds no weights of this network: save its state_dict() ({e})"
        ) from e
