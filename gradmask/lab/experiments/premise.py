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
from tqdm import tqdm

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.measures.layers.contrast import contrast_rows
from gradmask.lab.networks.heads import resnet_with_head, targets
from gradmask.lab.records import Row
from gradmask.lab.training.loop import stages, train

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
    :func:`gradmask.lab.measures.layers.contrast.contrast_rows` gives.
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
        training = targets(head, scenes.train)
        seen = training[: config["samples"]].to(device)
        mask = scenes.train.mask[: config["samples"]].to(device)
        model = resnet_with_head(head, seed=seed).to(device)
        passes = train(model, training, epochs=config["epochs"], seed=seed)
        for epoch in stages(tqdm(passes, head, config["epochs"], leave=False)):
            if epoch in config["measured"]:
                measured = contrast_rows(model, seen.images, seen.labels, mask)
                rows.extend({"head": head, "epoch": epoch} | row for row in measured)
    return rows
