"""A comparison on a standard benchmark: the recipe that its readers know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gradmask.lab.data.images import ImageSet
from gradmask.lab.experiments.comparison import Comparison
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.experiments.images import BenchmarkImages
from gradmask.lab.experiments.levels import Levels, numbers
from gradmask.lab.measures.accuracy import calibration_error
from gradmask.lab.networks.inspection import predict
from gradmask.lab.settings import multiplies_halves
from gradmask.lab.training.crops import CropsAndFlips

__all__ = ["STANDARD", "BenchmarkComparison", "OnBenchmark"]

STANDARD = Levels(
    unstructured=(0.5, 0.7, 0.8, 0.9),
    structured=(0.1, 0.2),
    tuned=(0.9,),
    attack_batch=500,
    fgsm=(1, 2),
    pgd=(1, 2),
    pgd_steps=20,
    severities=(3,),
)
"""Levels at which networks that fit a benchmark differ: neither untouched nor lost."""


@dataclass(frozen=True, kw_only=True)
class OnBenchmark(Experiment):
    """Training with crops and flips, in half precision where a device multiplies it.

    Parameters
    ----------
    images : BenchmarkImages
        The benchmark.
    padding : int, default 4
        By how many pixels, at most, an image is shifted each way.
    """

    images: BenchmarkImages
    padding: int = 4

    def materials(self, device: torch.device) -> dict[str, str]:
        """Where the images come from, and what networks are trained in."""
        halves = multiplies_halves(device)
        precision = "bfloat16 by autocast" if halves else "float32"
        return {"images": self.images.source, "precision": precision}

    def _options(self, seed: int) -> dict[str, Any]:
        return {"augment": CropsAndFlips(self.padding, seed=seed), "fast": True}


@dataclass(frozen=True, kw_only=True)
class BenchmarkComparison(OnBenchmark, Comparison):
    """A comparison on a benchmark.

    All parameters are those of
    :class:`gradmask.lab.experiments.comparison.Comparison`.
    """

    network: str = "resnet20"
    batch_size: int = 128
    levels: Levels = STANDARD

    def _measured(
        self, model: nn.Module, training: ImageSet, test: ImageSet
    ) -> dict[str, float]:
        # On a CPU half precision measures in minutes what float32 does in ten.
        halves = multiplies_halves(test.images.device)
        with torch.autocast("cpu", torch.bfloat16, enabled=halves):
            logits = predict(model, test.images)
            found = numbers(model, training, test, self.levels, self.batch_size)
        labels = test.labels.to(logits.device)
        return found | {"calibration error": calibration_error(logits, labels)}
