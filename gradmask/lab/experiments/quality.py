"""Gradient quality through training: four families, two data sets, every layer.

The question: how do Q and lateral quality move through training, and how do they
relate to each other, to the share of the error's energy that lies on the object, and
to the generalisation gap?

The plan: train plainly, as everywhere in the laboratory, and stop before the first
pass and after some of them.  There, 256 random images of the training set, always the
same, give Q and lateral quality of every convolution, with a kernel sized to the map;
on cluttered scenes they also give the share of squared error energy that lies on the
object.  So many images because Q soon falls below 0.01.

The compute: a pass over 1,000 images takes about 1 s on one core, a measurement as
much: 28 s for each of the eight trainings of a seed, 4 minutes for a seed, 20 for five.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from gradmask import GradientMask, QualityMonitor
from gradmask.functional import error_energy
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet, random_part
from gradmask.lab.data.scenes import Scenes, scene_splits
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.networks.inspection import error_signals
from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.records import Row
from gradmask.lab.training.loop import stages, train

LAPTOP = {
    "seeds": 5,
    "families": ["cnn", "vgg", "resnet", "mobilenet"],
    "data": ["fashion", "scenes"],
    "images": 1000,
    "validation": 1000,
    "epochs": 20,
    "measured": [0, 1, 2, 4, 8, 12, 16, 20],
    "samples": 256,
    "sigma": 0.12,
}
SMOKE = {
    "seeds": 2,
    "images": 64,
    "validation": 32,
    "epochs": 2,
    "measured": [0, 2],
    "samples": 8,
}
PROFILES: dict[str, dict[str, Any]] = {
    "smoke": LAPTOP | SMOKE,
    "laptop": LAPTOP,
    "gpu": LAPTOP | {"seeds": 10, "images": 8000, "samples": 512},
}


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train every family on both data sets and measure on the way.

    Rows, one for each layer and one for the network: "data", "family", "epoch",
    "layer", "depth" (0 for the first convolution, 1 for the last), what
    :class:`gradmask.QualityMonitor` measures, "object_share" and "object_area" (nan
    without an object's mask), and loss and accuracy on both sets.
    """
    rows = []
    for data in config["data"]:
        training, validation = splits(data, config, seed)
        for family in config["families"]:
            model = FAMILIES[family](seed=seed).to(device)
            measured = _Measurement(config, training, validation, seed)
            passes = train(model, training, epochs=config["epochs"], seed=seed)
            title = f"{family} on {data}, seed {seed}"
            for epoch in stages(tqdm(passes, title, config["epochs"], leave=False)):
                measured(epoch, model)
            rows += [{"data": data, "family": family} | row for row in measured.rows]
    return rows


def splits(data: str, config: dict[str, Any], seed: int) -> tuple[ImageSet, ImageSet]:
    """Images to train on and to validate with: other ones for every seed."""
    fashion, count = load_fashion_mnist(), config["images"]
    if data == "scenes":
        scenes = scene_splits(
            fashion, count, validation=config["validation"], test=10, seed=seed
        )
        return scenes.train, scenes.validation
    return (
        random_part(fashion.train, count, seed=seed),
        fashion.validation[: config["validation"]],
    )


class _Measurement:
    def __init__(
        self,
        config: dict[str, Any],
        training: ImageSet,
        validation: ImageSet,
        seed: int,
    ) -> None:
        self.config, self.training, self.validation = config, training, validation
        self.sample = random_part(training, config["samples"], seed=seed)
        self.rows: list[Row] = []

    def __call__(self, epoch: int, model: nn.Module) -> None:
        if epoch not in self.config["measured"]:
            return
        device = next(model.parameters()).device
        sample = self.sample.to(device)
        images, labels = sample.images, sample.labels
        kernel = GradientMask(self.config["sigma"], relative=True)
        monitor = QualityMonitor(
            model, F.cross_entropy, samples=len(images), inhibition=kernel
        )
        shares = {}
        if isinstance(sample, Scenes):
            shares = object_shares(model, monitor.layers, images, labels, sample.mask)
        fit, held_out = (evaluate(model, s) for s in (self.training, self.validation))
        network, *layers = monitor.measure(images, labels)
        for index, row in enumerate([network, *layers]):
            share, area = shares.get(str(row["layer"]), (math.nan, math.nan))
            self.rows.append(
                {
                    "epoch": epoch,
                    "layer": row["layer"],
                    "depth": (index - 1) / (len(layers) - 1) if index else math.nan,
                    "q": row["q"],
                    "q_stderr": row["q_stderr"],
                    "lgq": row["lgq"],
                    "lgq_stderr": row["lgq_stderr"],
                    "object_share": share,
                    "object_area": area,
                    "train_loss": fit.loss,
                    "train_accuracy": fit.accuracy,
                    "validation_loss": held_out.loss,
                    "validation_accuracy": held_out.accuracy,
                }
            )


def object_shares(
    model: nn.Module,
    layers: dict[str, nn.Module],
    images: Tensor,
    labels: Tensor,
    mask: Tensor,
) -> dict[str, tuple[float, float]]:
    """Share of the squared error energy, and of the area, that the object holds.

    The object's mask is averaged over the pixels behind every position of a map.  The
    network runs in evaluation mode, as a monitor's batch normalisations do.

    Parameters
    ----------
    model : nn.Module
        Classifier, whose mode and ``grad`` fields are left as they were.
    layers : dict of str to nn.Module
        Layers of its whose error is looked at, as by a :class:`QualityMonitor`.
    images, labels : Tensor
        Shapes (B, 1, H, W) and (B,).
    mask : Tensor of bool
        True on the object, (B, H, W).

    Returns
    -------
    dict of str to (float, float)
        By the layer's name; means over the samples.
    """
    before = model.training
    errors = error_signals(model.eval(), images, labels, layers)
    model.train(before)
    shares = {}
    for name, delta in errors.items():
        power = error_energy(delta).double().square()
        height, width = power.shape[-2:]
        area = F.adaptive_avg_pool2d(mask[:, None].double(), (height, width))
        share = (power * area).sum((1, 2, 3)) / power.sum((1, 2, 3))
        shares[name] = share.nanmean().item(), area.mean().item()
    return shares
