"""A comparison: variants and shorter schedules, trained once, measured once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import torch
from torch import nn
from tqdm import tqdm

from gradmask.lab.data.images import ImageSet
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.experiments.images import THOUSAND_SCENES, Images
from gradmask.lab.experiments.levels import USUAL, Levels, numbers
from gradmask.lab.networks.registry import NETWORKS, network
from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.records import Row
from gradmask.lab.training.loop import LEARNING_RATE, finish, train
from gradmask.lab.training.variants import Variant, plans

__all__ = ["Comparison"]


@dataclass(frozen=True, kw_only=True)
class Comparison(Experiment):
    """Ways to train the same network on the same images, and what comes of each.

    Parameters
    ----------
    name, question, seeds
        As for every :class:`gradmask.lab.experiments.experiment.Experiment`.
    network : str, default "resnet"
        One of :data:`gradmask.lab.networks.registry.NETWORKS`.
    images : Images
        What to train and test on; 1,000 cluttered scenes each by default.
    variants : tuple of Variant
        What is compared.
    epochs : int, default 30
        Of the full schedule.
    schedules : tuple of int
        Epochs of shorter schedules of the first variant, which is plain training as a
        rule; none by default.
    batch_size : int, default 64
        Images per step.
    learning_rate : float, default 0.05
        Peak of the schedule.
    levels : Levels
        At which levels networks are measured.

    Raises
    ------
    ValueError
        If there is no such network, if two variants have the same label, or if a
        shorter schedule is not shorter, or comes twice.
    """

    network: str = "resnet"
    images: Images = THOUSAND_SCENES
    variants: tuple[Variant, ...]
    epochs: int = 30
    schedules: tuple[int, ...] = ()
    batch_size: int = 64
    learning_rate: float = LEARNING_RATE
    levels: Levels = USUAL

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.network not in NETWORKS:
            raise ValueError(
                f"no network {self.network!r}; there are {', '.join(NETWORKS)}"
            )
        labels = [variant.label for variant in self.variants]
        if not labels or len(set(labels)) < len(labels):
            raise ValueError(f"variants must be there, each once, got {labels}")
        lengths = (*self.schedules, self.epochs)
        if list(lengths) != sorted(set(lengths)) or lengths[0] < 1:
            raise ValueError(f"schedules must rise from 1 to the full one: {lengths}")

    @property
    def plans(self) -> list[tuple[Variant, int]]:
        """What is trained, and for how many epochs."""
        return plans(self.variants, self.epochs, self.schedules)

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Train and measure every plan.

        Rows: "variant", "epochs", "seconds" of the last epoch, and what
        :func:`gradmask.lab.experiments.levels.numbers` gives.
        """
        return self._in_parts(seed, device)

    @property
    def parts(self) -> int:
        """One for each plan."""
        return len(self.plans)

    def part(self, number: int, seed: int, device: torch.device) -> list[Row]:
        """Train and measure one plan."""
        training, test = (images.to(device) for images in _splits(self.images, seed))
        return [self._row(*self.plans[number], training, test, seed, device)]

    def smoke(self) -> Self:
        """Shrink sizes, epochs and levels: every variant and schedule is trained."""
        shorter = len(self.schedules)
        phases = max(len(variant.phases) for variant in self.variants)
        smaller = replace(
            self._with_seeds(2),
            images=self.images.smoke(),
            epochs=max(2, shorter + 1, phases),
            schedules=tuple(range(1, shorter + 1)),
            batch_size=16,
            levels=self.levels.smoke(),
        )
        if self.network in FAMILIES:
            return smaller
        # Others have millions of weights: too many to sort while a test waits.
        return replace(
            smaller,
            images=replace(smaller.images, training=8, test=4),
            batch_size=8,
            levels=replace(smaller.levels, unstructured=(), tuned=(), attacked=4),
        )

    def gpu(self) -> Self:
        """Ask with four times as many seeds; large networks with the same."""
        return super().gpu() if self.network in FAMILIES else self

    def _row(
        self,
        variant: Variant,
        epochs: int,
        training: ImageSet,
        test: ImageSet,
        seed: int,
        device: torch.device,
        **options: Any,
    ) -> Row:
        model = network(self.network, seed=seed).to(device)
        passes = train(
            model,
            training,
            epochs=epochs,
            inhibition=variant.schedule(seed, epochs),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            seed=seed,
            **self._options(seed) | options,
        )
        title = f"{variant.label}, seed {seed}"
        last = finish(tqdm(passes, title, epochs, leave=False))
        return {
            "variant": variant.label,
            "epochs": epochs,
            "seconds": last.seconds,
            **self._measured(model, training, test),
        }

    def _measured(
        self, model: nn.Module, training: ImageSet, test: ImageSet
    ) -> dict[str, float]:
        return numbers(model, training, test, self.levels)


@lru_cache(maxsize=1)
def _splits(images: Images, seed: int) -> tuple[ImageSet, ImageSet]:
    """The images of the plan before, most often."""
    return images.splits(seed)
