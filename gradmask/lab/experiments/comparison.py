"""One comparison: variants and a ladder of plain runs, trained once, measured once.

The experiments that compare variants are this comparison with other settings.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from tqdm import tqdm

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet
from gradmask.lab.data.scenes import Clutter, scene_splits
from gradmask.lab.measures.summary import everything, quality
from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.networks.standard import LARGE
from gradmask.lab.records import Row
from gradmask.lab.training.loop import LEARNING_RATE, train
from gradmask.lab.training.variants import MASKS, Variant, schedule, with_controls

__all__ = [
    "ELSEWHERE",
    "compare",
    "plans",
    "profiles",
    "run",
    "splits",
    "torchvision_profiles",
]

LAPTOP: dict[str, Any] = {
    "seeds": 5,
    "family": "resnet",
    "data": "scenes",
    "clutter": {},
    "training": 1000,
    "validation": 1000,
    "test": 1000,
    "label_noise": 0.0,
    "variants": with_controls("signal", "weights", "theory"),
    "epochs": 30,
    "batch_size": 64,
    "ladder": [7, 10, 14, 19, 25],
    "global": [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.95],
    "structured": [0.02, 0.05, 0.1, 0.2],
    "tuned": [0.7, 0.9],
    "attacked": 1000,
    "fgsm": [1, 2, 4, 8],
    "pgd": [1, 2, 4],
    "pgd_steps": 10,
    "pgd_restarts": 2,
    "severities": [1, 3, 5],
}
ELSEWHERE: dict[str, Any] = {
    "variants": {**with_controls("theory"), "signal": MASKS["signal"]},
    "ladder": [10, 16, 23],
}
"""What :mod:`.experiments.core` leaves to ask of other networks and other data.

Both routes, and the controls of the one that did best there; three rungs, so that five
seeds cost what two would.
"""
SMOKE: dict[str, Any] = {
    "seeds": 2,
    "training": 64,
    "validation": 20,
    "test": 20,
    "variants": {"plain": None, "signal": {"sigma": 1.0, "size": 5}},
    "epochs": 2,
    "batch_size": 16,
    "ladder": [1],
    "global": [0.5],
    "structured": [0.2],
    "tuned": [0.5],
    "attacked": 10,
    "fgsm": [4],
    "pgd": [4],
    "pgd_steps": 2,
    "pgd_restarts": 1,
    "severities": [3],
}


def profiles(**changes: Any) -> dict[str, dict[str, Any]]:
    """Profiles of a comparison that differs from the usual one in `changes`."""
    laptop = LAPTOP | changes
    return {
        "smoke": laptop | SMOKE,
        "laptop": laptop,
        "gpu": laptop | {"seeds": 4 * laptop["seeds"]},
    }


def torchvision_profiles(family: str, samples: int = 16) -> dict[str, dict[str, Any]]:
    """Profiles of :data:`ELSEWHERE`'s comparison for one of torchvision's networks.

    They have millions of weights: gradient quality is measured on fewer samples, and
    more images are attacked at once, which a GPU prefers.  The smallest profile trains
    one, on a CPU, and does not sort its weights.
    """
    changed = profiles(**ELSEWHERE, family=family, samples=samples, attack_batch=250)
    changed["gpu"]["seeds"] = 5
    changed["smoke"] |= {"training": 16, "test": 4, "attacked": 4}
    changed["smoke"] |= {"batch_size": 8, "global": [], "tuned": [], "samples": 2}
    changed["smoke"] |= {"variants": {"signal": MASKS["signal"]}, "ladder": []}
    return changed


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Compare on the data that the configuration names; see :func:`compare`."""
    return compare(splits(config, seed), config, seed, device)


def compare(
    parts: tuple[ImageSet, ...],
    config: dict[str, Any],
    seed: int,
    device: torch.device,
) -> list[Row]:
    """Train and measure every rung of the ladder and every variant.

    Rows: "variant", "epochs", what :func:`gradmask.lab.measures.summary.everything`
    gives, and
    "q" and "lgq" at the "start" (after one epoch), in the "middle" and at the "end".
    """
    return [
        {"variant": name, "epochs": epochs}
        | _trained(name, variant, epochs, parts, config, seed, device)
        for name, variant, epochs in plans(config)
    ]


def plans(config: dict[str, Any]) -> list[tuple[str, Variant, int]]:
    """What to train, and for how many epochs: the ladder's rungs, then the variants."""
    rungs = [("plain", None, epochs) for epochs in config["ladder"]]
    return rungs + [(*named, config["epochs"]) for named in config["variants"].items()]


def _trained(
    name: str,
    variant: Variant,
    epochs: int,
    parts: tuple[ImageSet, ...],
    config: dict[str, Any],
    seed: int,
    device: torch.device,
) -> dict[str, float]:
    training, _, test = parts
    moments = {"start": 1, "middle": (epochs + 1) // 2, "end": epochs}
    found: dict[str, float] = {}
    model = (FAMILIES | LARGE)[config["family"]](seed=seed).to(device)
    passes = train(
        model,
        training,
        epochs=epochs,
        inhibition=schedule(variant, seed, epochs),
        learning_rate=config.get("learning_rate", LEARNING_RATE),
        batch_size=config["batch_size"],
        seed=seed,
    )
    for last in tqdm(passes, f"{name}, seed {seed}", epochs, leave=False):
        for moment in (key for key, n in moments.items() if n == last.number):
            numbers = quality(model, training, config.get("samples", 64))
            found.update({f"{key} {moment}": v for key, v in numbers.items()})
    return everything(model, last.seconds, training, test, config) | found


def splits(config: dict[str, Any], seed: int) -> tuple[ImageSet, ...]:
    """Images to train on, to validate with and to test on."""
    data = load_fashion_mnist()
    sizes = {name: config[name] for name in ("training", "validation", "test")}
    parts: tuple[ImageSet, ...]
    if config["data"] == "scenes":
        clutter = Clutter(**config["clutter"])
        parts = scene_splits(data, *sizes.values(), seed=seed, clutter=clutter)
    else:
        whole = (data.train, data.validation, data.test)
        parts = tuple(
            images[:size] for images, size in zip(whole, sizes.values(), strict=True)
        )
    training, *others = parts
    noisy = _with_label_noise(training.labels, config["label_noise"], seed)
    return replace(training, labels=noisy), *others


def _with_label_noise(labels: torch.Tensor, share: float, seed: int) -> torch.Tensor:
    """Replace a share of the labels by labels drawn uniformly from all ten."""
    generator = torch.Generator().manual_seed(seed)
    replaced = torch.rand(len(labels), generator=generator) < share
    drawn = torch.randint(10, labels.shape, generator=generator)
    return torch.where(replaced, drawn, labels)
