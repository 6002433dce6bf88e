"""Theory against a network: what masks gain at every layer, predicted and measured.

The question: how much of the signal-to-noise gain of a layer's weight gradients do hit
rate, false-alarm rate and occupancy explain?  Which energy, scale and threshold gain
most, at which layers, and when?

The plan: train the small ResNet plainly on cluttered scenes.  Before the first pass and
after some of them, measure the per-sample gradients of 1,000 training scenes at every
convolution with and without each mask, on the weights route, beside the object itself
as a mask (the oracle), a random mask and the loudest positions; 1,000 other scenes say
where signal and noise lie.

So many because Q soon falls to about 0.01, and its standard error is 1/B or more; and
drawn at random, because balanced classes would bias Q downwards by as much.

The compute: a pass over 2,000 scenes takes 3.5 s on one core, a measurement 28 s: 3
minutes for a seed, 15 for five.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from tqdm import tqdm

from gradmask import GradientMask
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import random_part
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.measures.layers.prediction import gain_rows
from gradmask.lab.networks.small import small_resnet
from gradmask.lab.records import Row
from gradmask.lab.training.loop import stages, train
from gradmask.lab.training.variants import MASKS

__all__ = ["EXPERIMENT", "LayerGain"]


@dataclass(frozen=True, kw_only=True)
class LayerGain(Experiment):
    """Which masks are measured, after which epochs (0: before training), on what."""

    scenes: int = 2000
    epochs: int = 8
    measured: tuple[int, ...] = (0, 1, 2, 4, 8)
    samples: int = 1000
    energies: tuple[Literal["error", "contribution"], ...] = ("error", "contribution")
    sigmas: tuple[float, ...] = (0.06, 0.12, 0.25, 0.5)
    thresholds: tuple[float, ...] = (0.0, 1.0)

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Train, and measure every mask at every convolution on the way.

        Rows: "epoch", then what describes the mask, "select", "energy", "sigma" (a
        share of the map's width, or 1 pixel for the plain 5x5 kernel) and "threshold",
        and what :func:`gradmask.lab.measures.layers.prediction.gain_rows` gives.
        """
        sizes = (self.scenes, 1, 1)
        training = scene_splits(load_fashion_mnist(), *sizes, seed=seed).train
        looked_at = random_part(training, 2 * self.samples, seed=seed).to(device)
        masks = self.masks(seed)
        rows: list[Row] = []

        model = small_resnet(seed=seed).to(device)
        passes = train(model, training, epochs=self.epochs, seed=seed)
        for epoch in stages(tqdm(passes, f"seed {seed}", self.epochs, leave=False)):
            if epoch in self.measured:
                for row in gain_rows(model, looked_at, self.samples, masks):
                    rows.append({"epoch": epoch} | _described(masks[row["mask"]]) | row)
        return rows

    def masks(self, seed: int) -> dict[str, GradientMask | None]:
        """Every mask by a name, and the controls; None is the oracle."""
        masks = {
            f"{energy}, sigma {sigma:g}, threshold {threshold:g}": GradientMask(
                sigma, threshold, route="weights", energy=energy, relative=True
            )
            for energy in self.energies
            for sigma in self.sigmas
            for threshold in self.thresholds
        }
        usual = replace(GradientMask.from_theory(), sigma=0.12)
        return masks | {
            "5x5": MASKS["weights"],
            "random": replace(usual, select="random", seed=seed),
            "top-k": replace(usual, select="top-k"),
            "oracle": None,
        }

    def smoke(self) -> Self:  # noqa: D102
        return replace(
            self._with_seeds(2), scenes=64, epochs=1, measured=(0, 1), samples=16
        )

    def gpu(self) -> Self:
        """Ask with twice as many seeds."""
        return self._with_seeds(10)


EXPERIMENT = LayerGain(name="layer_gain", question=__doc__)


def _described(mask: GradientMask | None) -> Row:
    if mask is None:
        return {"select": "oracle", "energy": None, "sigma": None, "threshold": None}
    return {
        "select": mask.select,
        "energy": mask.energy,
        "sigma": mask.sigmas[0],
        "threshold": mask.threshold,
    }
