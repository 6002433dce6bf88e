"""Lateral saliency beside other maps, and masked networks beside plain ones.

The two questions, kept apart.  Is the *map* better: of the same network, does lateral
saliency find the object better than other maps, noise and a spot in the centre?  Is the
*network* better: of the same map, does it find the object better in networks that were
trained with theory's mask than in plain ones, in plain ones of about the same training
loss, and in those of the mask's controls?

The plan: three families, the core's scenes and schedule, five seeds.  All networks of a
family and a seed are asked about the same test scenes, the first 200 that every one of
them gets right, so that no network is asked about easier ones; what is costly,
insertion, deletion and the sanity checks, on the first 50 of them.  The random labels
are those of one more plain network, which starts from the same weights.

The shorter schedule, 22 epochs, leaves about the training loss that the mask does in
the ResNet; where the mask's is higher still, the control is this schedule itself.

The compute: 14 minutes for a seed on one core: training 10, the costly measures 2, maps
and scores 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn
from tqdm import tqdm

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet
from gradmask.lab.data.scenes import Scenes, SceneSplits, scene_splits
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.measures.saliency.insertion import area, deletion, insertion
from gradmask.lab.measures.saliency.localisation import (
    SHARES,
    eligible,
    iou_over_shares,
    localisation,
)
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.measures.saliency.sanity import (
    cascade,
    random_labels,
    rank_correlation,
)
from gradmask.lab.networks.registry import network
from gradmask.lab.records import Row
from gradmask.lab.training.loop import LEARNING_RATE, finish, train
from gradmask.lab.training.variants import PLAIN, Variant, with_controls

__all__ = ["EXPERIMENT", "Saliency", "doubt", "judge"]


@dataclass(frozen=True, kw_only=True)
class Saliency(Experiment):
    """Which networks are trained, and on how many scenes their maps are judged.

    "costly" are the scenes of the costly measures, "steps" those of insertion and
    deletion.
    """

    families: tuple[str, ...] = ("resnet", "vgg", "mobilenet")
    variants: tuple[Variant, ...] = with_controls("theory")
    learning_rate: float = LEARNING_RATE
    training: int = 1000
    test: int = 1000
    epochs: int = 30
    shorter: int = 22
    scenes: int = 200
    costly: int = 50
    steps: int = 16

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Train the networks of every family, and judge every map of each.

        Rows: "family", "variant", "epochs", "train loss", "test accuracy", "scenes"
        (how many), "map", and means over the scenes of what :func:`judge` and
        :func:`doubt` give.
        """
        sizes = (self.training, 1, self.test)
        splits = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
        return [
            row
            for family in self.families
            for row in self._compared(family, splits, seed, device)
        ]

    def smoke(self) -> Self:  # noqa: D102
        return replace(
            self._with_seeds(2),
            families=self.families[:2],
            training=256,
            test=100,
            epochs=5,
            shorter=4,
            scenes=2,
            costly=1,
            steps=2,
        )

    def _compared(
        self, family: str, splits: SceneSplits, seed: int, device: torch.device
    ) -> list[Row]:
        plans = [(PLAIN, self.shorter), *((v, self.epochs) for v in self.variants)]

        def trained(
            variant: Variant, epochs: int, data: ImageSet
        ) -> tuple[nn.Module, float]:
            model = network(family, seed=seed).to(device)
            passes = train(
                model,
                data,
                epochs=epochs,
                inhibition=variant.schedule(seed, epochs),
                learning_rate=self.learning_rate,
                seed=seed,
            )
            finish(tqdm(passes, f"{family}, seed {seed}", epochs, leave=False))
            return model, evaluate(model, data).loss

        dealt = random_labels(splits.train, seed=seed)
        other, _ = trained(PLAIN, self.epochs, dealt)
        networks = [trained(*plan, splits.train) for plan in plans]
        test = splits.test.to(device)
        known = [eligible(m, test.images, test.labels, test.box) for m, _ in networks]
        chosen = torch.stack(known).all(0).nonzero()[: self.scenes, 0]
        if not len(chosen):
            raise RuntimeError(f"no scene that all networks of {family} get right")
        scenes = test[chosen]
        few = scenes[: self.costly]
        return [
            {
                "family": family,
                "variant": variant.label,
                "epochs": epochs,
                "train loss": loss,
                "test accuracy": evaluate(model, test).accuracy,
                "scenes": len(chosen),
                "map": key,
            }
            | judge(draw(model, scenes.images, scenes.labels), scenes)
            | doubt(key, model, other, few, self.steps, seed)
            for (variant, epochs), (model, loss) in zip(plans, networks, strict=True)
            for key, draw in MAPS.items()
        ]


EXPERIMENT = Saliency(name="saliency", question=__doc__)


def judge(maps: Tensor, scenes: Scenes) -> dict[str, float]:
    """Localisation of maps, and "iou 5" to "iou 50" of shares of the pixels (%)."""
    found = localisation(maps, scenes.box, scenes.mask)
    overlaps = iou_over_shares(maps, scenes.box).unbind(1)
    for share, overlap in zip(SHARES, overlaps, strict=True):
        found[f"iou {100 * share:.0f}"] = overlap
    return {name: float(values.mean()) for name, values in found.items()}


def doubt(
    name: str, model: nn.Module, other: nn.Module, scenes: Scenes, steps: int, seed: int
) -> dict[str, float]:
    """Put a map to the tests that need no truth about the object.

    "insertion" and "deletion", areas under the curves; and the rank correlation of the
    map with that of the network whose logits' layer, upper half or all layers are
    random, "random top", "random half" and "random all", and with that of a network
    trained on random labels, "random labels".
    """
    images, labels, draw = scenes.images, scenes.labels, MAPS[name]
    maps = draw(model, images, labels)
    found = {
        "insertion": area(insertion(model, images, labels, maps, steps)),
        "deletion": area(deletion(model, images, labels, maps, steps)),
    }
    networks = [network for _, network in cascade(model, seed=seed)]
    changed = {
        "random top": networks[0],
        "random half": networks[(len(networks) - 1) // 2],
        "random all": networks[-1],
        "random labels": other,
    }
    for key, changed_one in changed.items():
        found[key] = rank_correlation(maps, draw(changed_one, images, labels))
    return {key: float(values.mean()) for key, values in found.items()}
