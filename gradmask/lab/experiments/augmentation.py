"""What an augmentation gains from knowing where the object is, and which map knows it.

The question: a pasted box, or the square kept before another background, can lie where
a saliency map of the network peaks.  Does lateral saliency guide better than chance,
than Grad-CAM, and how far is it from the truth?

The plan: the small ResNet, 1,000 scenes, five seeds, 30 epochs for every variant: none,
mixup, CutMix, and two guided mixtures, each by chance, by lateral saliency, by Grad-CAM
and by the object's true place, which is the ceiling.  A guide decides where, never how
much; each variant augments half of its batches.  Guided steps cost a map, so training
without augmentation runs once more, for as long as the most expensive guide takes.
Fixed in advance are two numbers: accuracy on the test scenes, and its mean over four
shifts of them, with more patches, with louder noise, without patches, and before
stripes that mislead.

The compute: 0.9 s an epoch on one core, 1.0 s with Grad-CAM, 1.3 s with lateral
saliency; 7 minutes for a seed, 35 for five.
"""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import fmean
from typing import Any

import torch
from tqdm import tqdm

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import STANDARD, Scenes, cluttered_scenes, scene_splits
from gradmask.lab.data.shortcuts import misleading
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.measures.saliency.attention import attention
from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.records import Row
from gradmask.lab.training.guidance import GUIDES, augmentation
from gradmask.lab.training.loop import finish, train

__all__ = ["PROFILES", "SHIFTS", "run", "shifted"]

SHIFTS = ("more patches", "more noise", "no patches", "stripes")

LAPTOP: dict[str, Any] = {
    "seeds": 5,
    "training": 1000,
    "validation": 1000,
    "test": 1000,
    "epochs": 30,
    "longer": 45,
    "variants": {
        "none": None,
        "mixup": {"mix": "mixup"},
        "cutmix": {"mix": "cutmix"},
        **{f"paste, {by}": {"mix": "paste", "by": by} for by in GUIDES},
        **{
            f"background, {by}": {
                "mix": "background",
                "by": by,
                "side": STANDARD.object_size,
            }
            for by in GUIDES
        },
    },
}
PROFILES: dict[str, dict[str, Any]] = {
    "smoke": LAPTOP
    | {
        "seeds": 2,
        "training": 64,
        "validation": 10,
        "test": 10,
        "epochs": 1,
        "longer": 2,
    },
    "laptop": LAPTOP,
    "gpu": LAPTOP | {"seeds": 20},
}


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train with every augmentation; measure on scenes like the training and unlike.

    Rows: "variant", "epochs", processor "seconds" an epoch, "train loss", "train
    accuracy", "validation accuracy", "test accuracy", the accuracies under `SHIFTS`,
    their mean "shifted", and "attention"
    (:func:`gradmask.lab.measures.saliency.attention.attention`).
    """
    sizes = (config["training"], config["validation"], config["test"])
    training, validation, test = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
    tests = shifted(test, seed)
    plans = [
        (name, options, config["epochs"])
        for name, options in config["variants"].items()
    ]
    plans.append(("none, longer", None, config["longer"]))
    rows = []
    for name, options, epochs in plans:
        model = FAMILIES["resnet"](seed=seed).to(device)
        begin = time.process_time()
        passes = train(
            model,
            training,
            epochs=epochs,
            seed=seed,
            augment=augmentation(options, seed=seed),
        )
        finish(tqdm(passes, f"{name}, seed {seed}", epochs, leave=False))
        seconds = (time.process_time() - begin) / epochs
        fit, held_out = evaluate(model, training), evaluate(model, validation)
        accuracies = {key: evaluate(model, s).accuracy for key, s in tests.items()}
        rows.append(
            {
                "variant": name,
                "epochs": epochs,
                "seconds": seconds,
                "train loss": fit.loss,
                "train accuracy": fit.accuracy,
                "validation accuracy": held_out.accuracy,
                "test accuracy": evaluate(model, test).accuracy,
                **accuracies,
                "shifted": fmean(accuracies.values()),
                "attention": attention(model, test),
            }
        )
    return rows


def shifted(test: Scenes, seed: int) -> dict[str, Scenes]:
    """Make the test scenes of a seed anew, each time with other surroundings.

    The objects and their places are those of the test scenes
    (:func:`gradmask.lab.data.scenes.scene_splits` with that seed).

    Returns
    -------
    dict of str to Scenes
        By the names in `SHIFTS`.
    """
    changes: list[dict[str, Any]]
    changes = [{"patches": 12}, {"noise": 0.2}, {"patches": 0}]
    objects, count = load_fashion_mnist().test, len(test.labels)
    scenes = [
        cluttered_scenes(
            objects, count, seed=3 * seed + 2, clutter=replace(STANDARD, **change)
        )
        for change in changes
    ]
    scenes.append(misleading(test, 0.0, seed=seed))
    return dict(zip(SHIFTS, scenes, strict=True))
