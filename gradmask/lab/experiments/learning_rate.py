"""The learning rate of the family without normalisation, chosen by validation.

Of the rates at which every variant learns on every seed, the one with plain training's
highest mean validation accuracy: no mask has a say but by its failure.

The plan: the core's scenes and schedule, the rate of the families with normalisation
and two lower ones, theory's mask and its controls, five seeds.

The compute: 3 minutes for a seed on one core, 15 minutes for five.
"""

from __future__ import annotations

from typing import Any

import torch
from tqdm import tqdm

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.records import Row
from gradmask.lab.training.loop import finish, train
from gradmask.lab.training.variants import build, with_controls

__all__ = ["PROFILES", "run"]

LAPTOP: dict[str, Any] = {
    "seeds": 5,
    "family": "cnn",
    "variants": with_controls("theory"),
    "rates": [0.05, 0.02, 0.01],
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
    """Train every variant at every rate.

    Rows: "variant", "rate", "train loss" and "validation accuracy".
    """
    sizes = (config["training"], config["validation"], 1)
    training, validation, _ = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
    rows: list[Row] = []
    for name, options in config["variants"].items():
        for rate in config["rates"]:
            model = FAMILIES[config["family"]](seed=seed).to(device)
            passes = train(
                model,
                training,
                epochs=config["epochs"],
                inhibition=build(options, seed),
                learning_rate=rate,
                seed=seed,
            )
            finish(tqdm(passes, f"{name} at {rate}", config["epochs"], leave=False))
            rows.append(
                {
                    "variant": name,
                    "rate": rate,
                    "train loss": evaluate(model, training).loss,
                    "validation accuracy": evaluate(model, validation).accuracy,
                }
            )
    return rows
