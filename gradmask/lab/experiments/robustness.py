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

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import torch
from torch import nn

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet, intensities
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.experiments.benchmark import OnBenchmark
from gradmask.lab.experiments.comparisons.airbench import AIRBENCH
from gradmask.lab.experiments.comparisons.benchmarks import OTHER_READINGS
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.measures.robustness.attacks import auto_attack, robust_accuracy
from gradmask.lab.measures.robustness.obfuscation import check_gradients
from gradmask.lab.networks.registry import network
from gradmask.lab.networks.small import small_resnet
from gradmask.lab.records import Row
from gradmask.lab.training.loop import finish, train
from gradmask.lab.training.variants import MASKS, PLAIN, Variant, plans

__all__ = ["TABLE", "BenchmarkRobustness", "Robustness", "SceneRobustness"]


@dataclass(frozen=True, kw_only=True)
class Robustness(Experiment):
    """What is trained, the attack's strength in 255ths, and the black box's queries."""

    attacked: int
    variants: tuple[Variant, ...]
    epochs: int
    schedules: tuple[int, ...]
    strength: int
    queries: int = 500
    auto_attack: bool = True

    @property
    def parts(self) -> int:
        """One for each plan."""
        return len(self._plans)

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Train and attack every variant.

        Rows: "variant", "epochs", "auto attack" (accuracy, None where the profile
        leaves it out), the accuracies of
        :class:`gradmask.lab.measures.robustness.obfuscation.Obfuscation`, and "passed".
        """
        return self._in_parts(seed, device)

    def part(self, number: int, seed: int, device: torch.device) -> list[Row]:
        """Train and attack one variant."""
        variant, epochs = self._plans[number]
        test = _splits(self, seed)[1][: self.attacked].to(device)
        test = replace(test, images=intensities(test.images))
        model = self.trained(variant, epochs, seed, seed, device)
        epsilon = self.strength / 255
        found = check_gradients(
            model,
            test.images,
            test.labels,
            epsilon,
            surrogate=_surrogate(self, seed, device),
            queries=self.queries,
            generator=torch.Generator().manual_seed(seed),
        )
        strongest = _strongest(model, test, epsilon) if self.auto_attack else None
        made = {"variant": variant.label, "epochs": epochs, "auto attack": strongest}
        return [made | found._asdict() | {"passed": found.passed}]

    def smoke(self) -> Self:  # noqa: D102
        return replace(
            self, attacked=10, epochs=2, schedules=(1,), queries=5, auto_attack=False
        )

    @property
    def _plans(self) -> list[tuple[Variant, int]]:
        return plans(self.variants, self.epochs, self.schedules)

    def trained(
        self, variant: Variant, epochs: int, seed: int, start: int, device: torch.device
    ) -> nn.Module:
        """Train on the images of one seed from the initial weights of another."""
        training = _splits(self, seed)[0].to(device)
        model = self._network(start).to(device)
        passes = train(
            model,
            training,
            epochs=epochs,
            inhibition=variant.schedule(seed, epochs),
            seed=start,
            **self._options(start),
        )
        finish(passes)
        return model

    @abstractmethod
    def _network(self, seed: int) -> nn.Module:
        """Build the network, untrained."""

    @abstractmethod
    def splits(self, seed: int) -> tuple[ImageSet, ImageSet]:
        """Images to train on and images to attack."""


@dataclass(frozen=True, kw_only=True)
class SceneRobustness(Robustness):
    """The core's network and scenes."""

    training: int

    def smoke(self) -> Self:  # noqa: D102
        return replace(super().smoke(), training=64)

    def gpu(self) -> Self:
        """Ask with more seeds, of more scenes."""
        return replace(self._with_seeds(10), attacked=1000)

    def _network(self, seed: int) -> nn.Module:
        return small_resnet(seed=seed)

    def splits(self, seed: int) -> tuple[ImageSet, ImageSet]:  # noqa: D102
        sizes = (self.training, 1, self.attacked)
        scenes = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
        return scenes.train, scenes.test


@dataclass(frozen=True, kw_only=True)
class BenchmarkRobustness(OnBenchmark, Robustness):
    """A network, a standard benchmark and its recipe."""

    network: str
    batch_size: int
    learning_rate: float

    def smoke(self) -> Self:  # noqa: D102
        return replace(super().smoke(), images=self.images.smoke(), batch_size=16)

    def gpu(self) -> Self:
        """Ask the same."""
        return self

    def _network(self, seed: int) -> nn.Module:
        return network(self.network, seed=seed)

    def splits(self, seed: int) -> tuple[ImageSet, ImageSet]:  # noqa: D102
        return self.images.splits(seed)

    def _options(self, seed: int) -> dict[str, Any]:
        recipe = {"batch_size": self.batch_size, "learning_rate": self.learning_rate}
        return super()._options(seed) | recipe


SCENES = SceneRobustness(
    name="robustness",
    question=__doc__,
    seeds=range(3),
    training=1000,
    attacked=200,
    variants=(PLAIN, *(Variant(*named) for named in MASKS.items())),
    epochs=30,
    schedules=(18,),
    strength=2,
)

CIFAR10 = BenchmarkRobustness(
    name="cifar10_airbench_robustness",
    question="""\
Are robust accuracies on CIFAR-10 real? AutoAttack, and checks for hidden gradients.

The question, put before any of these networks was trained: that of ``robustness``, of
Jordan's network with the recipe of ``cifar10_airbench``, on 200 test images at 1/255,
where attacks leave part of the accuracy.

What we expect: every check passes, and AutoAttack within three points of projected
gradient descent for every way to train, in the same order.

The plan: plain training, the literal mask, the mask from theory, and subtractive
inhibition, which was clearly ahead under attack in one seed of three.  One seed that no
other experiment draws: what is checked is the measurement, not the masks.

The compute: three hours on one core that multiplies bfloat16; a GPU, a minute.
""",
    seeds=range(200, 201),
    images=AIRBENCH.images,
    network=AIRBENCH.network,
    batch_size=AIRBENCH.batch_size,
    learning_rate=AIRBENCH.learning_rate,
    padding=AIRBENCH.padding,
    attacked=200,
    variants=(*AIRBENCH.variants[:3], OTHER_READINGS[1]),
    epochs=AIRBENCH.epochs,
    schedules=(),
    strength=1,
)

TABLE = (SCENES, CIFAR10)


@lru_cache(maxsize=1)
def _splits(experiment: Robustness, seed: int) -> tuple[ImageSet, ImageSet]:
    """The images of a seed, which its parts share."""
    return experiment.splits(seed)


@lru_cache(maxsize=1)
def _surrogate(experiment: Robustness, seed: int, device: torch.device) -> nn.Module:
    """Plain training from other initial weights, which the parts of a seed share."""
    return experiment.trained(PLAIN, experiment.epochs, seed, seed + 1000, device)


def _strongest(model: nn.Module, test: ImageSet, epsilon: float) -> float:
    return robust_accuracy(model, test.images, test.labels, auto_attack, [epsilon])[
        epsilon
    ]
