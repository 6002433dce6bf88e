"""The premise: whether the error is louder on the object than beside it.

The question: where and when is it, by layer, by head and over training, for the error
itself and for what a position contributes to the weight gradient?

The plan: train the small ResNet plainly on cluttered scenes with each of four heads,
and before the first pass and after some of them compare the energies on the object and
beside it, on the same scenes of the training set.

The compute: a pass over 1,000 scenes takes 2 s on one core, a measurement 1 s: 20 s for
each of the four trainings of a seed, 80 s for a seed, 7 minutes for five.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from tqdm import tqdm

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.measures.layers.contrast import contrast_rows
from gradmask.lab.networks.heads import resnet_with_head, targets
from gradmask.lab.records import Row
from gradmask.lab.training.loop import stages, train

__all__ = ["EXPERIMENT", "ObjectContrast"]


@dataclass(frozen=True, kw_only=True)
class ObjectContrast(Experiment):
    """Which heads are trained, and after which epochs (0: before) they are measured."""

    heads: tuple[str, ...] = ("average", "flatten", "max", "dense")
    scenes: int = 1000
    epochs: int = 8
    measured: tuple[int, ...] = (0, 1, 2, 4, 8)
    samples: int = 256

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Train with every head and measure the contrast on the way.

        Rows: "head", "epoch", and what
        :func:`gradmask.lab.measures.layers.contrast.contrast_rows` gives.
        """
        sizes = (self.scenes, 1, 1)
        scenes = scene_splits(load_fashion_mnist(), *sizes, seed=seed).train
        rows: list[Row] = []
        for head in self.heads:
            training = targets(head, scenes)
            seen = training[: self.samples].to(device)
            mask = scenes.mask[: self.samples].to(device)
            model = resnet_with_head(head, seed=seed).to(device)
            passes = train(model, training, epochs=self.epochs, seed=seed)
            for epoch in stages(tqdm(passes, head, self.epochs, leave=False)):
                if epoch in self.measured:
                    found = contrast_rows(model, seen.images, seen.labels, mask)
                    rows.extend({"head": head, "epoch": epoch} | row for row in found)
        return rows

    def smoke(self) -> Self:  # noqa: D102
        return replace(
            self._with_seeds(2), scenes=64, epochs=1, measured=(0, 1), samples=16
        )

    def gpu(self) -> Self:
        """Ask with twice as many seeds, of more scenes."""
        return replace(self._with_seeds(10), samples=1000)


EXPERIMENT = ObjectContrast(name="premise", question=__doc__)
