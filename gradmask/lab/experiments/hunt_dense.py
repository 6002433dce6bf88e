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

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.networks.heads import resnet_with_head, targets
from gradmask.lab.networks.inspection import predict
from gradmask.lab.records import Row
from gradmask.lab.training.loop import finish, train
from gradmask.lab.training.variants import Variant, plans, with_controls

__all__ = ["EXPERIMENT", "DenseHead", "overlap"]


@dataclass(frozen=True, kw_only=True)
class DenseHead(Experiment):
    """Sizes, variants and schedules, as those of a comparison."""

    training: int = 1000
    test: int = 1000
    variants: tuple[Variant, ...] = with_controls("theory")
    epochs: int = 30
    schedules: tuple[int, ...] = (10, 14, 19, 25)

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Train and measure every schedule of plain training and every variant.

        Rows: "variant", "epochs", "train loss", "test loss", "test accuracy" and "iou".
        """
        sizes = (self.training, 1, self.test)
        scenes = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
        training, _, test = (targets("dense", part) for part in scenes)
        rows: list[Row] = []
        for variant, epochs in plans(self.variants, self.epochs, self.schedules):
            model = resnet_with_head("dense", seed=seed).to(device)
            inhibition = variant.schedule(seed, epochs)
            finish(
                train(model, training, epochs=epochs, inhibition=inhibition, seed=seed)
            )
            score = evaluate(model, test)
            rows.append(
                {
                    "variant": variant.label,
                    "epochs": epochs,
                    "train loss": evaluate(model, training).loss,
                    "test loss": score.loss,
                    "test accuracy": score.accuracy,
                    "iou": _mean_overlap(model, test),
                }
            )
        return rows

    def smoke(self) -> Self:  # noqa: D102
        return replace(
            self._with_seeds(2), training=64, test=20, epochs=5, schedules=(1, 2, 3, 4)
        )


EXPERIMENT = DenseHead(name="hunt_dense", question=__doc__)


def overlap(found: Tensor, true: Tensor) -> Tensor:
    """Intersection over union of masks (N, H, W), of shape (N,); 0 for two empty."""
    common, either = (found & true).sum((1, 2)), (found | true).sum((1, 2))
    return common / either.clamp(min=1)


def _mean_overlap(model: nn.Module, test: ImageSet) -> float:
    found = predict(model, test.images).argmax(1).cpu()
    return overlap(found.bool(), test.labels.bool()).double().mean().item()
