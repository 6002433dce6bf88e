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

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import nn

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import Scenes, scene_splits
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.measures.robustness.attacks import auto_attack, robust_accuracy
from gradmask.lab.measures.robustness.obfuscation import check_gradients
from gradmask.lab.networks.small import small_resnet
from gradmask.lab.records import Row
from gradmask.lab.training.loop import finish, train
from gradmask.lab.training.variants import MASKS, PLAIN, Variant, plans

__all__ = ["EXPERIMENT", "Robustness"]


@dataclass(frozen=True, kw_only=True)
class Robustness(Experiment):
    """Sizes, the attack's strength in 255ths, and the black box's queries."""

    training: int = 1000
    attacked: int = 200
    variants: tuple[Variant, ...] = (
        PLAIN,
        *(Variant(*named) for named in MASKS.items()),
    )
    epochs: int = 30
    schedules: tuple[int, ...] = (18,)
    strength: int = 2
    queries: int = 500
    auto_attack: bool = True

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Train and attack every variant.

        Rows: "variant", "epochs", "auto attack" (accuracy, None where the profile
        leaves it out), the accuracies of
        :class:`gradmask.lab.measures.robustness.obfuscation.Obfuscation`, and "passed".
        """
        sizes = (self.training, 1, self.attacked)
        training, _, test = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
        epsilon = self.strength / 255

        def trained(variant: Variant, epochs: int, start: int) -> nn.Module:
            model = small_resnet(seed=start).to(device)
            inhibition = variant.schedule(seed, epochs)
            finish(
                train(model, training, epochs=epochs, inhibition=inhibition, seed=start)
            )
            return model

        surrogate = trained(PLAIN, self.epochs, seed + 1000)
        rows = []
        for variant, epochs in plans(self.variants, self.epochs, self.schedules):
            model = trained(variant, epochs, seed)
            found = check_gradients(
                model,
                test.images,
                test.labels,
                epsilon,
                surrogate=surrogate,
                queries=self.queries,
                generator=torch.Generator().manual_seed(seed),
            )
            strongest = _strongest(model, test, epsilon) if self.auto_attack else None
            rows.append(
                {"variant": variant.label, "epochs": epochs, "auto attack": strongest}
                | found._asdict()
                | {"passed": found.passed}
            )
        return rows

    def smoke(self) -> Self:  # noqa: D102
        return replace(
            self,
            training=64,
            attacked=10,
            epochs=2,
            schedules=(1,),
            queries=5,
            auto_attack=False,
        )

    def gpu(self) -> Self:
        """Ask with more seeds, of more scenes."""
        return replace(self._with_seeds(10), attacked=1000)


EXPERIMENT = Robustness(name="robustness", question=__doc__, seeds=range(3))


def _strongest(model: nn.Module, test: Scenes, epsilon: float) -> float:
    return robust_accuracy(model, test.images, test.labels, auto_attack, [epsilon])[
        epsilon
    ]
