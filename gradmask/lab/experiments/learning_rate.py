"""The learning rate of the family without normalisation, chosen by validation.

Of the rates at which every variant learns on every seed, the one with plain training's
highest mean validation accuracy: no mask has a say but by its failure.

The plan: the core's scenes and schedule, the rate of the families with normalisation
and two lower ones, theory's mask and its controls, five seeds.

The compute: 3 minutes for a seed on one core, 15 minutes for five.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from tqdm import tqdm

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.networks.registry import network
from gradmask.lab.records import Row
from gradmask.lab.training.loop import finish, train
from gradmask.lab.training.variants import Variant, with_controls

__all__ = ["EXPERIMENT", "LearningRate"]


@dataclass(frozen=True, kw_only=True)
class LearningRate(Experiment):
    """Which network, which variants, and at which rates."""

    family: str = "cnn"
    variants: tuple[Variant, ...] = with_controls("theory")
    rates: tuple[float, ...] = (0.05, 0.02, 0.01)
    training: int = 1000
    validation: int = 1000
    epochs: int = 30

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Train every variant at every rate.

        Rows: "variant", "rate", "train loss" and "validation accuracy".
        """
        sizes = (self.training, self.validation, 1)
        training, validation, _ = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
        rows: list[Row] = []
        for variant in self.variants:
            for rate in self.rates:
                model = network(self.family, seed=seed).to(device)
                passes = train(
                    model,
                    training,
                    epochs=self.epochs,
                    inhibition=variant.schedule(seed, self.epochs),
                    learning_rate=rate,
                    seed=seed,
                )
                title = f"{variant.label} at {rate}"
                finish(tqdm(passes, title, self.epochs, leave=False))
                rows.append(
                    {
                        "variant": variant.label,
                        "rate": rate,
                        "train loss": evaluate(model, training).loss,
                        "validation accuracy": evaluate(model, validation).accuracy,
                    }
                )
        return rows

    def smoke(self) -> Self:  # noqa: D102
        return replace(self._with_seeds(2), training=64, validation=20, epochs=2)


EXPERIMENT = LearningRate(name="learning_rate", question=__doc__)
