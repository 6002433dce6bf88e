"""The recipe of a standard benchmark: the peak of the learning rate, by validation.

Plain training alone chooses, once, on a tenth of the training images that is held out:
the rate with the lowest validation loss becomes that of every variant.  Where plain
training does not reach the accuracy that the benchmark's readers know, the recipe is
wrong, and no comparison is run: at least 89 % on copies of CIFAR-10 with ResNet-20 (He
et al. report 91.25 % on the original pixels, after six times as many epochs), 93 % on
Fashion-MNIST, 83 % on Imagenette.

On CIFAR-10 batches of 512 images, at peaks of 0.2, 0.4 and 0.8, reached 86.2 to 87.1 %
on the held-out images, so that nothing was compared; batches of 128 make four times as
many steps of the same 30 epochs.

The compute: a GPU, a minute or two for each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from tqdm import tqdm

from gradmask.lab.experiments.benchmark import OnBenchmark
from gradmask.lab.experiments.images import BenchmarkImages
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.networks.registry import network
from gradmask.lab.records import Row
from gradmask.lab.training.loop import finish, train

__all__ = ["TABLE", "Recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe(OnBenchmark):
    """Which network on which benchmark, how long, and at which peaks."""

    network: str = "resnet20"
    epochs: int = 30
    batch_size: int = 128
    peaks: tuple[float, ...] = (0.1, 0.2, 0.4)

    @property
    def parts(self) -> int:
        """One for each peak."""
        return len(self.peaks)

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Train plainly at every peak.

        Rows: "peak", "train loss", "validation loss", "validation accuracy" and
        "seconds" of the last epoch.
        """
        return self._in_parts(seed, device)

    def part(self, number: int, seed: int, device: torch.device) -> list[Row]:
        """Train plainly at one peak."""
        training, held_out = (one.to(device) for one in self.images.splits(seed))
        peak = self.peaks[number]
        model = network(self.network, seed=seed).to(device)
        passes = train(
            model,
            training,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=peak,
            seed=seed,
            **self._options(seed),
        )
        last = finish(tqdm(passes, f"peak {peak}", self.epochs, leave=False))
        fit, score = evaluate(model, training), evaluate(model, held_out)
        return [
            {
                "peak": peak,
                "train loss": fit.loss,
                "validation loss": score.loss,
                "validation accuracy": score.accuracy,
                "seconds": last.seconds,
            }
        ]

    def smoke(self) -> Self:  # noqa: D102
        return replace(self, images=self.images.smoke(), epochs=1, batch_size=16)

    def gpu(self) -> Self:
        """Ask with the one seed that choosing takes."""
        return self


CIFAR10 = Recipe(
    name="recipe_cifar10",
    question=__doc__,
    seeds=range(1),
    images=BenchmarkImages(name="cifar10", training=45_000, test=5_000, held_out=True),
)

LOSSLESS = replace(
    CIFAR10,
    name="recipe_cifar10_lossless",
    question="""\
The recipe of ResNet-20 on lossless images of CIFAR-10: does it reach its bar there?

The question, put before the run: on JPEG copies ``recipe_cifar10`` ended at 87.3 %,
below its bar of 89.  The peak that it chose, 0.2, stays; here plain training is only to
reach the bar.  The two other peaks are run to see whether another had been chosen.

What we expect: 90 to 91.5 % at the peak of 0.2, for what JPEG costs is three to four
points.

The compute: a GPU, a minute and a half.
""",
)

AIRBENCH = replace(
    CIFAR10,
    name="recipe_airbench",
    question="""\
The recipe for CIFAR-10 with Jordan's network, six epochs: the peak, by validation.

Plain training alone chooses, once, on a tenth of the training images that is held out:
the rate with the lowest validation loss.  It must reach at least 89 %, the bar of
``recipe_cifar10``, or else nothing is compared.  On lossless images; a trial of five
epochs on JPEG copies, with crops of up to four pixels, reached 84 to 85 %.

The compute: nine minutes for a peak, on a core that multiplies bfloat16.
""",
    network="airbench",
    epochs=6,
    batch_size=256,
    padding=2,
    peaks=(0.2, 0.4),
)

FASHION = replace(
    CIFAR10,
    name="recipe_fashion",
    images=replace(CIFAR10.images, name="fashion_mnist", training=54_000, test=6_000),
    batch_size=512,
    peaks=(0.2, 0.4, 0.8),
)

IMAGENETTE = replace(
    CIFAR10,
    name="recipe_imagenette",
    images=replace(CIFAR10.images, name="imagenette", training=8_526, test=943),
    network="resnet18_rgb",
    epochs=20,
    padding=16,
    peaks=(0.05, 0.1, 0.2),
)

VGG16 = replace(CIFAR10, name="recipe_vgg16", network="vgg16", peaks=(0.05, 0.1, 0.2))

MOBILENET_V2 = replace(CIFAR10, name="recipe_mobilenet_v2", network="mobilenet_v2")

TABLE = (CIFAR10, LOSSLESS, AIRBENCH, FASHION, IMAGENETTE, VGG16, MOBILENET_V2)
