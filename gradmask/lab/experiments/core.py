"""Every variant on 1,000 cluttered scenes: accuracy, pruning, attacks, attention.

The question: does training with lateral inhibition beat plain training, the controls
that drop as much without it, and plain training stopped at the same training loss?

The plan: the small ResNet, 1,000 scenes, 30 epochs, which plain training fits to 100 %.
A network is trained once and measured for every chapter.  Besides, plain training with
shorter schedules, the rungs of :mod:`gradmask.lab.ladder`.  Settings are equal for all
variants, and none is chosen by these numbers.

The compute: a plain run takes about 35 s on one core, a masked one 40 to 60 s, the
ladder 80 s, measuring a network 40 s: 20 minutes for a seed, 3.5 hours for ten.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from gradmask import GradientMask
from gradmask.lab.data import load_fashion_mnist
from gradmask.lab.measure import everything, quality
from gradmask.lab.models import FAMILIES
from gradmask.lab.records import Row
from gradmask.lab.scenes import SceneSplits, scene_splits
from gradmask.lab.train import train
from gradmask.lab.variants import variants

LAPTOP = {
    "seeds": 10,
    "family": "resnet",
    "scenes": 1000,
    "test": 1000,
    "attacked": 1000,
    "epochs": 30,
    "ladder": [10, 14, 18, 22, 26],
    "fgsm": [1, 2, 4, 8],
    "pgd": [1, 2, 4],
    "pgd_steps": 20,
    "pgd_restarts": 2,
    "global": [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95],
    "structured": [0.1, 0.2, 0.3, 0.5],
    "tuned": [0.7, 0.9],
    "severities": [1, 3, 5],
}
SMOKE = {
    "seeds": 2,
    "scenes": 128,
    "test": 40,
    "attacked": 20,
    "epochs": 2,
    "ladder": [1],
    "fgsm": [4],
    "pgd": [4],
    "pgd_steps": 2,
    "pgd_restarts": 1,
    "global": [0.5],
    "structured": [0.2],
    "tuned": [0.5],
    "severities": [3],
}
PROFILES: dict[str, dict[str, Any]] = {
    "smoke": LAPTOP | SMOKE,
    "laptop": LAPTOP,
    "gpu": LAPTOP | {"seeds": 20},
}


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train and measure every variant and every rung of the ladder.

    Rows: "variant", "epochs", what :func:`gradmask.lab.measure.everything` gives, and
    "q" and "lgq" at the "start" (after one epoch), in the "middle" and at the "end".
    """
    splits = scene_splits(
        load_fashion_mnist(), config["scenes"], test=config["test"], seed=seed
    )
    plans: list[tuple[str, GradientMask | None, int]]
    plans = [("plain", None, epochs) for epochs in config["ladder"]]
    plans += [(name, mask, config["epochs"]) for name, mask in variants(seed).items()]
    return [
        {"variant": name, "epochs": epochs}
        | trained(mask, epochs, splits, config, seed, device, name)
        for name, mask, epochs in plans
    ]


def trained(
    inhibition: GradientMask | None,
    epochs: int,
    splits: SceneSplits,
    config: dict[str, Any],
    seed: int,
    device: torch.device,
    name: str,
) -> dict[str, float]:
    """Train one network and measure everything."""
    moments = {"start": 1, "middle": (epochs + 1) // 2, "end": epochs}
    found: dict[str, float] = {}

    def follow(epoch: int, model: nn.Module) -> None:
        for moment in (name for name, number in moments.items() if number == epoch):
            numbers = quality(model, splits.train)
            found.update({f"{key} {moment}": v for key, v in numbers.items()})

    model = FAMILIES[config["family"]](seed=seed).to(device)
    *_, last = train(
        model,
        splits.train,
        splits.validation,
        epochs=epochs,
        inhibition=inhibition,
        seed=seed,
        score_every=epochs,
        after_epoch=follow,
        progress=f"{name}, seed {seed}",
    )
    return everything(model, last, splits.train, splits.test, config) | found
