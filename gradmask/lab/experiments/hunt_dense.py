"""Where inhibition might pay: a dense head, which finds the object, not its name.

The question, the controls and the reading are those of :mod:`.core`.  Every pixel has a
label of its own, object or not, so that no pooling spreads the error over the map, and
the mask acts where it was made.

The plan: the core's scenes and body with a dense head, five seeds.  "test accuracy" is
that of the pixels; "iou" is the mean overlap, intersection over union, of the object
found and the true one.

The compute: 5 minutes for a seed on one core, 25 minutes for five.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.experiments.comparison import plans
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.networks.heads import resnet_with_head, targets
from gradmask.lab.networks.inspection import predict
from gradmask.lab.records import Row
from gradmask.lab.training.loop import finish, train
from gradmask.lab.training.variants import schedule, with_controls

__all__ = ["PROFILES", "overlap", "run"]

LAPTOP: dict[str, Any] = {
    "seeds": 5,
    "training": 1000,
    "validation": 1000,
    "test": 1000,
    "variants": with_controls("theory"),
    "epochs": 30,
    "ladder": [10, 14, 19, 25],
}
SMOKE = {"seeds": 2, "training": 64, "validation": 20, "test": 20, "epochs": 2}
PROFILES: dict[str, dict[str, Any]] = {
    "smoke": LAPTOP | SMOKE | {"ladder": [1]},
    "laptop": LAPTOP,
    "gpu": LAPTOP | {"seeds": 20},
}


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train and measure every rung of the ladder and every variant.

    Rows: "variant", "epochs", "train loss", "test loss", "test accuracy" and "iou".
    """
    sizes = (config[name] for name in ("training", "validation", "test"))
    scenes = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
    training, _, test = (targets("dense", part) for part in scenes)
    rows: list[Row] = []
    for name, variant, epochs in plans(config):
        model = resnet_with_head("dense", seed=seed).to(device)
        finish(
            train(
                model,
                training,
                epochs=epochs,
                inhibition=schedule(variant, seed, epochs),
                seed=seed,
            )
        )
        score = evaluate(model, test)
        rows.append(
            {
                "variant": name,
                "epochs": epochs,
                "train loss": evaluate(model, training).loss,
                "test loss": score.loss,
                "test accuracy": score.accuracy,
                "iou": _mean_overlap(model, test),
            }
        )
    return rows


def overlap(found: Tensor, true: Tensor) -> Tensor:
    """Intersection over union of masks (N, H, W), of shape (N,); 0 for two empty."""
    common, either = (found & true).sum((1, 2)), (found | true).sum((1, 2))
    return common / either.clamp(min=1)


def _mean_overlap(model: nn.Module, test: ImageSet) -> float:
    found = predict(model, test.images).argmax(1).cpu()
    return overlap(found.bool(), test.labels.bool()).double().mean().item()
