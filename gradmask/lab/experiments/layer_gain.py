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

from dataclasses import replace
from typing import Any

import torch
from tqdm import tqdm

from gradmask import GradientMask
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import random_part
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.measures.layers.prediction import gain_rows
from gradmask.lab.networks.small import small_resnet
from gradmask.lab.records import Row
from gradmask.lab.training.loop import stages, train
from gradmask.lab.training.variants import MASKS

LAPTOP = {
    "seeds": 5,
    "scenes": 2000,
    "validation": 500,
    "epochs": 8,
    "measured": [0, 1, 2, 4, 8],
    "samples": 1000,
    "energies": ["error", "contribution"],
    "sigmas": [0.06, 0.12, 0.25, 0.5],
    "thresholds": [0.0, 1.0],
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
    "gpu": LAPTOP | {"seeds": 10},
}


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train, and measure every mask at every convolution on the way.

    Rows: "epoch", then what describes the mask, "select", "energy", "sigma" (a share
    of the map's width, or 1 pixel for the plain 5x5 kernel) and "threshold", and what
    :func:`gradmask.lab.measures.layers.prediction.gain_rows` gives.
    """
    splits = scene_splits(
        load_fashion_mnist(),
        config["scenes"],
        validation=config["validation"],
        test=10,
        seed=seed,
    )
    chosen = random_part(splits.train, 2 * config["samples"], seed=seed)
    looked_at = chosen.to(device)
    masks = settings(config, seed)
    rows: list[Row] = []

    model = small_resnet(seed=seed).to(device)
    passes = train(model, splits.train, epochs=config["epochs"], seed=seed)
    for epoch in stages(tqdm(passes, f"seed {seed}", config["epochs"], leave=False)):
        if epoch in config["measured"]:
            for row in gain_rows(model, looked_at, config["samples"], masks):
                rows.append({"epoch": epoch} | _described(masks[row["mask"]]) | row)
    return rows


def settings(config: dict[str, Any], seed: int) -> dict[str, GradientMask | None]:
    """Every mask of the experiment by a name, and the controls; None is the oracle."""
    masks = {
        f"{energy}, sigma {sigma:g}, threshold {threshold:g}": GradientMask(
            sigma, threshold, route="weights", energy=energy, relative=True
        )
        for energy in config["energies"]
        for sigma in config["sigmas"]
        for threshold in config["thresholds"]
    }
    usual = replace(GradientMask.from_theory(), sigma=0.12)
    return masks | {
        "5x5": GradientMask(**MASKS["weights"]),
        "random": replace(usual, select="random", seed=seed),
        "top-k": replace(usual, select="top-k"),
        "oracle": None,
    }


def _described(mask: GradientMask | None) -> Row:
    if mask is None:
        return {"select": "oracle", "energy": None, "sigma": None, "threshold": None}
    return {
        "select": mask.select,
        "energy": mask.energy,
        "sigma": mask.sigmas[0],
        "threshold": mask.threshold,
    }
