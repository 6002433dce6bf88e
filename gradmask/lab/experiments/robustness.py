"""Are the core's robust accuracies real? AutoAttack, and checks for hidden gradients.

The question: a mask may act in training's backward pass only.  Does AutoAttack agree
with projected gradient descent, and does every check for obfuscated gradients pass?
Where one fails, the accuracy under attack of that variant is void.

The plan: plain training, the same with a shorter schedule, and the three masks of the
core, on its network and scenes, three seeds.  AutoAttack's standard ensemble and the
checks on 200 test scenes at 2/255; the surrogate of the transfer attack is plain
training from another seed.

The compute: 6 networks of 45 s and 2 minutes of attacks each, 15 minutes for a seed on
one core.
"""

from __future__ import annotations

from typing import Any

import torch

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.measures.robustness.attacks import auto_attack, robust_accuracy
from gradmask.lab.measures.robustness.obfuscation import check_gradients
from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.records import Row
from gradmask.lab.training.loop import finish, train
from gradmask.lab.training.variants import MASKS, Options, build

__all__ = ["PROFILES", "run"]

LAPTOP: dict[str, Any] = {
    "seeds": 3,
    "training": 1000,
    "validation": 100,
    "attacked": 200,
    "epochs": 30,
    "shorter": 18,
    "strength": 2,
    "queries": 500,
    "auto_attack": True,
}
PROFILES: dict[str, dict[str, Any]] = {
    "smoke": LAPTOP
    | {
        "training": 64,
        "validation": 10,
        "attacked": 10,
        "epochs": 2,
        "shorter": 1,
        "queries": 5,
        "auto_attack": False,
    },
    "laptop": LAPTOP,
    "gpu": LAPTOP | {"seeds": 10, "attacked": 1000},
}


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train and attack every variant.

    Rows: "variant", "epochs", "auto attack" (accuracy, None where the profile leaves it
    out), the accuracies of
    :class:`gradmask.lab.measures.robustness.obfuscation.Obfuscation`, and "passed".
    """
    sizes = (config["training"], config["validation"], config["attacked"])
    splits = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
    test = splits.test
    epsilon = config["strength"] / 255
    plans: list[tuple[str, Options, int]]
    plans = [("plain", None, config["shorter"]), ("plain", None, config["epochs"])]
    plans += [(name, options, config["epochs"]) for name, options in MASKS.items()]

    def trained(options: Any, epochs: int, start: int) -> torch.nn.Module:
        model = FAMILIES["resnet"](seed=start).to(device)
        finish(
            train(
                model,
                splits.train,
                epochs=epochs,
                inhibition=build(options, seed),
                seed=start,
            )
        )
        return model

    surrogate = trained(None, config["epochs"], seed + 1000)
    rows = []
    for name, options, epochs in plans:
        model = trained(options, epochs, seed)
        found = check_gradients(
            model,
            test.images,
            test.labels,
            epsilon,
            surrogate=surrogate,
            queries=config["queries"],
            generator=torch.Generator().manual_seed(seed),
        )
        strongest = None
        if config["auto_attack"]:
            strongest = robust_accuracy(
                model, test.images, test.labels, auto_attack, [epsilon]
            )[epsilon]
        rows.append(
            {"variant": name, "epochs": epochs, "auto attack": strongest}
            | found._asdict()
            | {"passed": found.passed}
        )
    return rows
