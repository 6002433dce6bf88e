"""How well saliency maps find the objects of a folder of photographs with boxes.

On the command line,

    python -m gradmask.lab.cli.judge IMAGES ANNOTATIONS --model resnet18

prints the table: every map of :mod:`gradmask.lab.measures.saliency.maps`, every measure
of :mod:`gradmask.lab.measures.saliency.localisation`, means over the images with 95 %
intervals.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.models import get_model
from tqdm import tqdm

from gradmask.lab.data.fashion import DataError
from gradmask.lab.data.photographs import Photographs
from gradmask.lab.measures.saliency.localisation import eligible, localisation
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.reports.stats import Interval, mean_interval
from gradmask.lab.settings import find_device

__all__ = ["judge", "main"]

TOLERANCE = 15
"""Of the pointing game, in pixels: as its authors play it."""


def judge(
    model: nn.Module, photographs: Photographs, batch_size: int = 16
) -> dict[str, dict[str, Interval]]:
    """Measure how well every map of a network finds the objects.

    On the images that are :func:`gradmask.lab.measures.saliency.localisation.eligible`,
    with a pointing game that tolerates 15 pixels.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits, in the order of the classes.
    photographs : Photographs
        The images.
    batch_size : int, default 16
        Images at once.

    Returns
    -------
    dict of str to dict of str to Interval
        By map and measure, over the images.

    Raises
    ------
    DataError
        If fewer than two images are eligible.
    """
    device = next(model.parameters()).device
    found: dict[str, defaultdict[str, list[float]]]
    found = {name: defaultdict(list) for name in MAPS}
    for batch in tqdm(DataLoader(photographs, batch_size), leave=False):
        images, labels, box = (part.to(device) for part in batch)
        keep = eligible(model, images, labels, box)
        images, labels, box = images[keep], labels[keep], box[keep]
        for name, draw in MAPS.items() if len(images) else ():
            saliency = draw(model, images, labels)
            for key, values in localisation(saliency, box, tolerance=TOLERANCE).items():
                found[name][key] += values.tolist()
    if len(found["random"]["iou"]) < 2:
        raise DataError(
            "fewer than two images are classified correctly and have a box that covers "
            "at most half of them"
        )
    return {
        name: {key: mean_interval(values) for key, values in measures.items()}
        for name, measures in found.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table of a folder; the exit status is 0 if there is one."""
    options = _parser().parse_args(arguments)
    try:
        classes = options.classes and options.classes.read_text("utf-8").split()
        photographs = Photographs(options.images, options.annotations, classes)
        model = _network(options.model, options.weights, len(photographs.classes))
        table = judge(model.to(find_device()), photographs)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(
        f"{options.model}, {len(photographs)} images with one object, "
        f"{photographs.left_out} with several left out"
    )
    print(f"{'':12}" + "".join(f"{key:>24}" for key in table["random"]))
    for name, measures in table.items():
        cells = (f"{m:.3f} [{a:.3f}, {b:.3f}]" for m, a, b in measures.values())
        print(f"{name:12}" + "".join(f"{cell:>24}" for cell in cells))
    return 0


def _network(name: str, weights: Path | None, classes: int) -> nn.Module:
    """Build torchvision's network, with its own weights or with those of a file."""
    model: nn.Module
    if weights is None:
        model = get_model(name, weights="DEFAULT")
    else:
        model = get_model(name, num_classes=classes)
        model.load_state_dict(torch.load(weights, "cpu", weights_only=True))
    *_, head = (m for m in model.modules() if isinstance(m, nn.Linear))
    if head.out_features != classes:
        raise DataError(
            f"{name} knows {head.out_features} classes, the annotations {classes}: "
            "name the network's, a line each and in its order, in a file for --classes"
        )
    return model


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m gradmask.lab.cli.judge",
        description="How well saliency maps find the objects of a folder of images.",
    )
    parser.add_argument("images", type=Path, help="folder of JPEG or PNG files")
    parser.add_argument("annotations", type=Path, help="folder of their XML files")
    parser.add_argument("--model", required=True, help="one of torchvision's networks")
    parser.add_argument(
        "--weights", type=Path, help="its state dict (torchvision's own, downloaded)"
    )
    parser.add_argument(
        "--classes",
        type=Path,
        help="file with the classes' names in the network's order (those of the "
        "annotations, sorted)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
