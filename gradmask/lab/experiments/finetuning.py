"""Fine-tuning with a mask: a network that ImageNet trained, on other images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import torch
from torch import Tensor, nn
from tqdm import tqdm

from gradmask.lab.data.images import ImageSet, intensities, random_part
from gradmask.lab.experiments.benchmark import OnBenchmark
from gradmask.lab.experiments.images import BenchmarkImages
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.measures.robustness.attacks import pgd, robust_accuracy
from gradmask.lab.measures.saliency.insertion import area, insertion
from gradmask.lab.measures.saliency.maps import gradient
from gradmask.lab.networks.pretrained import pretrained
from gradmask.lab.records import Row
from gradmask.lab.training.loop import finish, train
from gradmask.lab.training.variants import MASKS, PLAIN, SOFT_MASKS, Variant

__all__ = ["TABLE", "FineTuning"]


@dataclass(frozen=True, kw_only=True)
class FineTuning(OnBenchmark):
    """How many images of a class, for how long, and how it is measured.

    "shots" are pairs of images of each class, at most, and epochs; "attacked" and
    "explained" are how many test images, "strength" is the attack's, in 255ths.
    """

    variants: tuple[Variant, ...] = (
        PLAIN,
        Variant("theory", MASKS["theory"]),
        Variant("theory", MASKS["theory"], "top-k"),
        Variant("soft", SOFT_MASKS["soft"]),
    )
    shots: tuple[tuple[int, int], ...] = ((10, 15), (50, 3))
    batch_size: int = 20
    learning_rate: float = 0.02
    attacked: int = 200
    explained: int = 50
    strength: float = 1
    steps: int = 5
    padding: int = 16

    @property
    def parts(self) -> int:
        """One for each training."""
        return len(self.shots) * len(self.variants)

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Fine-tune with every variant, and measure.

        Rows: "variant", "images" of each class, "epochs", "train loss" on at most a
        thousand of them, "test accuracy", "attacked" (accuracy), "insertion" (mean
        area) and "seconds" of the last epoch.
        """
        return self._in_parts(seed, device)

    def part(self, number: int, seed: int, device: torch.device) -> list[Row]:
        """Train and measure one variant at one number of images."""
        shot, chosen = divmod(number, len(self.variants))
        (count, epochs), variant = self.shots[shot], self.variants[chosen]
        everything, test = (
            in_colour(one.to(device)) for one in self.images.splits(seed)
        )
        training = few(everything, count, seed)
        model = with_new_readout(seed).to(device)
        passes = train(
            model,
            training,
            epochs=epochs,
            inhibition=variant.schedule(seed, epochs),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            seed=seed,
            **self._options(seed),
        )
        title = f"{variant.label}, {count} images, seed {seed}"
        last = finish(tqdm(passes, title, epochs, leave=False))
        fitted = random_part(training, 1_000, seed=seed)
        return [
            {
                "variant": variant.label,
                "images": count,
                "epochs": epochs,
                "train loss": evaluate(model, fitted).loss,
                "test accuracy": evaluate(model, test).accuracy,
                "attacked": self._attacked(model, test),
                "insertion": self._explained(model, test),
                "seconds": last.seconds,
            }
        ]

    def gpu(self) -> Self:
        """Train for five times as long, with the steered mask too, on all images."""
        return replace(
            super().gpu(),
            images=replace(self.images, test=10_000),
            variants=(*self.variants, Variant("steered", SOFT_MASKS["steered"])),
            shots=tuple((count, 5 * epochs) for count, epochs in self.shots),
            attacked=500,
            explained=200,
            steps=10,
        )

    def smoke(self) -> Self:
        """Shrink sizes: every variant is trained."""
        return replace(
            self._with_seeds(1),
            images=self.images.smoke(),
            shots=((2, 1),),
            attacked=4,
            explained=2,
            steps=2,
            padding=2,
        )

    def _attacked(self, model: nn.Module, test: ImageSet) -> float:
        images, labels = _first(test, self.attacked)
        generator = torch.Generator().manual_seed(0)
        attack = partial(pgd, steps=self.steps, generator=generator)
        strength = self.strength / 255
        found = robust_accuracy(model, images, labels, attack, [strength])
        return found[strength]

    def _explained(self, model: nn.Module, test: ImageSet) -> float:
        images, labels = _first(test, self.explained)
        maps = gradient(model, images, labels)
        return area(insertion(model, images, labels, maps)).mean().item()


def few(images: ImageSet, count: int, seed: int) -> ImageSet:
    """Draw so many images of each class."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(images), generator=generator).to(images.labels.device)
    labels = images.labels[order]
    chosen = [order[labels == label][:count] for label in labels.unique()]
    return images[torch.cat(chosen)]


def in_colour(images: ImageSet) -> ImageSet:
    """Give grey images the three channels that the network reads."""
    count = 3 // images.images.shape[1]
    return replace(images, images=images.images.repeat(1, count, 1, 1))


def with_new_readout(seed: int, classes: int = 10) -> nn.Module:
    """EfficientNet-Lite0 as ImageNet trained it, with a read-out drawn anew."""
    model = pretrained().network
    old = model.get_submodule("1.classifier")
    assert isinstance(old, nn.Linear)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model.get_submodule("1").classifier = nn.Linear(old.in_features, classes)
    return model


def _first(test: ImageSet, count: int) -> tuple[Tensor, Tensor]:
    images = intensities(test.images[:count])
    return images, test.labels[:count]


FEW = FineTuning(
    name="finetuning",
    question="""\
Fine-tuning with a mask: a network that ImageNet trained, on a few photographs.

The question, put before any of these networks was trained: few images and a backbone
that is already good are the regime in which noise limits a gradient.  Does a mask help
there, in accuracy on unseen photographs, under attack, and in how well the maps of the
network explain it (insertion)?  Compared are plain training, the mask from theory, as
many positions of largest energy, and the soft mask.

The plan: EfficientNet-Lite0 with its weights from ImageNet and a new read-out of ten
classes; Imagenette at 128 pixels, 10 and 50 images of each class, drawn by the seed;
SGD with Nesterov momentum, one cycle to 0.02, 75 steps of 20 images, crops and flips,
the same for all.  Imagenette's classes are among ImageNet's thousand, so that the
backbone has seen others of their kind, and perhaps these.  On a GPU five times the
steps, all test images and the steered mask too.

What we expect: with ten images a class the mask from theory within two points of plain
training, and below it with fifty; the soft mask no better.  No variant is more robust
by more than a point.  Insertion hardly moves, since the backbone hardly does.

The compute: twenty minutes for a seed on one core.
""",
    seeds=range(5),
    images=BenchmarkImages(name="imagenette", training=9_469, test=1_000),
)

ALL = replace(
    FEW,
    name="finetuning_all",
    question="""\
Fine-tuning with a mask, on all photographs.

The question, put before any of these networks was trained: on a few photographs a hard
mask made no clear difference to fine-tuning, and the soft one harmed.  Is it so with
all of Imagenette, one pass over its 9,469 training photographs?

The plan is that of ``finetuning`` (the same network, variants, five seeds, measures;
473 steps of 20 images), but for the attack, which left five to twelve of a hundred
answers right, too few to compare by: here its strength is a quarter of one intensity.
Plain training on 150 photographs of each class, of one seed that is none of the five,
kept 47 % of 200 test images there.

What we expect: the mask from theory and top-k within a point of plain training in
accuracy, with no clear difference; the soft mask five points below, or more.  Under
attack the two hard masks within three points of plain training, the soft one below.
Insertion no different for the hard masks.

The compute: thirty minutes for a seed on one core.
""",
    shots=((1_000, 1),),
    strength=0.25,
)

TABLE = (FEW, ALL)
