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

from typing import Any

import torch
from torch import nn

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.measures.layers.contrast import premise_rows
from gradmask.lab.networks.heads import resnet_with_head, targets
from gradmask.lab.records import Row
from gradmask.lab.training.loop import train

LAPTOP = {
    "seeds": 5,
    "heads": ["average", "flatten", "max", "dense"],
    "scenes": 1000,
    "validation": 500,
    "epochs": 8,
    "measured": [0, 1, 2, 4, 8],
    "samples": 256,
}
SMOKE = {
    "seeds": 2,
    "scenes": 64,
    "validation": 10,
    "epochs": 1,
    "measured": [0, 1],
    "samples": 16,
}
PROFILES: dict[str, dict[str, Any]] = {
    "smoke": LAPTOP | SMOKE,
    "laptop": LAPTOP,
    "gpu": LAPTOP | {"seeds": 10, "samples": 1000},
}


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train with every head and measure the premise on the way.

    Rows: "head", "epoch", and what
    :func:`gradmask.lab.measures.layers.contrast.premise_rows` gives.
    """
    scenes = scene_splits(
        load_fashion_mnist(),
        config["scenes"],
        validation=config["validation"],
        test=10,
        seed=seed,
    )
    rows: list[Row] = []
    for head in config["heads"]:
        training, validation = (
            targets(head, part) for part in (scenes.train, scenes.validation)
        )
        looked_at = [
            part[: config["samples"]].to(device)
            for part in (*training, scenes.train.mask)
        ]

        def look(
            epoch: int, model: nn.Module, head: str = head, seen: Any = looked_at
        ) -> None:
            if epoch in config["measured"]:
                measured = premise_rows(model, *seen)
                rows.extend({"head": head, "epoch": epoch} | row for row in measured)

        train(
            resnet_with_head(head, seed=seed).to(device),
            training,
            validation,
            epochs=config["epochs"],
            seed=seed,
            score_every=config["epochs"],
            after_epoch=look,
            progress=f"{head}, seed {seed}",
        )
    return rows
