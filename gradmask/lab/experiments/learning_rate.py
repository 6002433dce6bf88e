"""The learning rate of the family without normalisation, chosen by validation.

At the rate of the others, 0.05, the plain CNN does not learn on some seeds.  The rate
is chosen by plain training's mean validation accuracy, so that no mask has a say, and
holds for every variant of the family.

The plan: the core's scenes and schedule, five rates, five seeds.

The compute: 3 minutes for a seed on one core, 15 minutes for five.
"""

from __future__ import annotations

from typing import Any

import torch

from gradmask.lab.data import load_fashion_mnist
from gradmask.lab.models import FAMILIES
from gradmask.lab.records import Row
from gradmask.lab.scenes import scene_splits
from gradmask.lab.train import train

__all__ = ["PROFILES", "run"]

LAPTOP: dict[str, Any] = {
    "seeds": 5,
    "families": ["cnn"],
    "rates": [0.05, 0.02, 0.01, 0.005, 0.002],
    "training": 1000,
    "validation": 1000,
    "epochs": 30,
}
PROFILES: dict[str, dict[str, Any]] = {
    "smoke": LAPTOP | {"seeds": 2, "training": 64, "validation": 20, "epochs": 2},
    "laptop": LAPTOP,
    "gpu": LAPTOP | {"seeds": 20},
}


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train plainly at every rate.

    Rows: "family", "rate", "train loss" and "validation accuracy".
    """
    sizes = (config["training"], config["validation"], 1)
    training, validation, _ = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
    rows: list[Row] = []
    for family in config["families"]:
        for rate in config["rates"]:
            *_, last = train(
                FAMILIES[family](seed=seed).to(device),
                training,
                validation,
                epochs=config["epochs"],
                learning_rate=rate,
                seed=seed,
                score_every=config["epochs"],
                progress=f"{family} at {rate}, seed {seed}",
            )
            rows.append(
                {
                    "family": family,
                    "rate": rate,
                    "train loss": last.train.loss,
                    "validation accuracy": last.validation.accuracy,
                }
            )
    return rows
