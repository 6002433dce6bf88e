"""Print how well saliency maps find the objects of a folder of photographs with boxes.

On the command line,

    python -m gradmask.lab judge IMAGES ANNOTATIONS

prints tables: every map of :mod:`gradmask.lab.measures.saliency.maps`, every measure of
:mod:`gradmask.lab.measures.saliency.photographs`, means over the images with 95 %
intervals.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from torchvision.models import get_model

from gradmask.lab.data.idx import DataError
from gradmask.lab.data.photographs import MEAN, SIDE, STD, Photographs
from gradmask.lab.measures.saliency.photographs import MEASURES, measure_photographs
from gradmask.lab.networks.pretrained import DEFAULT, Pretrained, pretrained
from gradmask.lab.networks.small import Normalise
from gradmask.lab.reports.stats import Interval
from gradmask.lab.settings import find_device

__all__ = ["add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments, and its work."""
    parser.description = (
        "How well saliency maps find the objects of a folder of images."
    )
    add = parser.add_argument
    add("images", type=Path, help="folder of JPEG or PNG files")
    add("annotations", type=Path, help="folder of their XML files, as of Pascal VOC")
    add(
        "--model",
        default=DEFAULT,
        help="of torchvision or timm (%(default)s, which needs no connection)",
    )
    add("--weights", type=Path, help="state dict of a network of torchvision's")
    add(
        "--classes",
        type=Path,
        help="file with the classes' names, a line each, in the network's order (the "
        "network's own, or those of the annotations, sorted)",
    )
    add(
        "--costly",
        type=int,
        default=50,
        help="on how many images to take the measures that need no box (%(default)s)",
    )
    parser.set_defaults(command=_judge)


def _judge(options: argparse.Namespace) -> int:
    if options.costly < 0:
        raise ValueError(f"--costly must not be negative, got {options.costly}")
    classes = options.classes and _lines(options.classes)
    photographs = Photographs(options.images, options.annotations, classes)
    found = _network(options.model, options.weights, photographs.classes)
    photographs = Photographs(
        options.images, options.annotations, found.classes, side=found.side
    )
    table = measure_photographs(
        found.network.to(find_device()), photographs, costly=options.costly
    )
    print(
        f"{options.model}, {len(photographs)} images with one object, "
        f"{photographs.left_out} with several left out"
    )
    for title, measures in MEASURES.items():
        _print(title, [key for key in measures if key in table["random"]], table)
    return 0


def _print(
    title: str, measures: list[str], table: Mapping[str, Mapping[str, Interval]]
) -> None:
    if not measures:
        return
    print(f"\n{title}")
    print(f"{'':12}" + "".join(f"{key:>24}" for key in measures))
    for name, own in table.items():
        cells = (
            f"{m:.3f} [{a:.3f}, {b:.3f}]" for m, a, b in (own[key] for key in measures)
        )
        print(f"{name:12}" + "".join(f"{cell:>24}" for cell in cells))


def _lines(path: Path) -> list[str]:
    """Read the lines of a file, which may begin with a byte-order mark."""
    lines = (line.strip() for line in path.read_text("utf-8-sig").splitlines())
    return [line for line in lines if line]


def _network(name: str, weights: Path | None, classes: tuple[str, ...]) -> Pretrained:
    """Find a trained network for these classes, whose names it may itself know better.

    The classes of the result are those that the annotations name, in the network's
    order: the given ones where there are as many as logits, or else the network's own.
    """
    if weights is not None:
        model = get_model(name, num_classes=len(classes))
        _load(model, weights)
        whole = nn.Sequential(Normalise(MEAN, STD), model).eval()
        return Pretrained(whole, SIDE, classes)
    found = pretrained(name)
    if len(classes) == len(found.classes):
        return found._replace(classes=classes)
    if unknown := set(classes) - set(found.classes):
        raise DataError(
            f"{name} knows {len(found.classes)} classes, but none of the name "
            f"{min(unknown)!r}, as in the annotations: put all the names that they use "
            "for the network's classes, a line each and in its order, into a file for "
            "--classes"
        )
    return found


def _load(model: nn.Module, weights: Path) -> None:
    try:
        model.load_state_dict(torch.load(weights, "cpu", weights_only=True))
    except (AttributeError, EOFError, RuntimeError, TypeError, pickle.PickleError) as e:
        raise DataError(
            f"{weights} holds no weights of this network: save its state_dict() ({e})"
        ) from e
