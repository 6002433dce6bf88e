"""Natural images: where the error's energy lies, and what masks do to a gradient.

The question, put before any of these networks was trained: on CIFAR-10 nobody says
where the objects are.  How is a layer's error spread over its positions, how good is
its weight gradient, and does a mask raise the gradient's signal-to-noise ratio there,
as it does in the laboratory's scenes?

The plan: train ResNet-20 plainly with the recipe of ``cifar10``.  Before the first
pass, in the middle and at the end, look at one convolution of each stage, on 256
random training images without augmentation: Q, lateral gradient quality, the share of
the contribution energy that a tenth of the positions, the largest, hold, and on the
weights route the gain of the mask from theory, of its controls, of the 5x5 mask and of
the soft mask.

What we expect: energy less concentrated than in the scenes once training has begun, and
no gain above the random control's in the deeper stages.

The compute: a GPU, half a minute for a seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn
from tqdm import tqdm

from gradmask import GradientMask
from gradmask.lab.data.images import ImageSet, intensities, random_part
from gradmask.lab.experiments.benchmark import OnBenchmark
from gradmask.lab.experiments.comparisons.airbench import AIRBENCH
from gradmask.lab.experiments.comparisons.benchmarks import CIFAR10, IMAGENETTE
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.experiments.images import BenchmarkImages, Images, SceneImages
from gradmask.lab.measures.energy import energy_share
from gradmask.lab.measures.layers.gain import estimate_gain
from gradmask.lab.measures.layers.gradients import (
    input_patches,
    jackknife_stderr,
    moments,
    sample_gradients,
)
from gradmask.lab.measures.layers.signals import Signals, layer_signals
from gradmask.lab.networks.inspection import batch_normalised_copy
from gradmask.lab.networks.registry import network
from gradmask.lab.records import Row
from gradmask.lab.training.loop import LEARNING_RATE, stages, train
from gradmask.lab.training.variants import MASKS, SOFT_MASKS
from gradmask.quality import lateral_quality

__all__ = ["TABLE", "NaturalPremise", "Premise"]

TENTH = 10


@dataclass(frozen=True, kw_only=True)
class Premise(Experiment):
    """Which layers are measured, after which epochs (0: before), on how many images."""

    images: Images
    network: str
    layers: tuple[str, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    measured: tuple[int, ...]
    samples: int

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Train plainly, and look at the layers on the way.

        Rows, one for each mask: "epoch", "layer", "side" of the map, "mask"; without
        it "q" and "q_stderr", "lgq" and "loudest tenth"; and the fields of
        :class:`gradmask.lab.measures.layers.gain.GainEstimate`.
        """
        training = self.images.splits(seed)[0].to(device)
        looked_at = random_part(training, self.samples, seed=seed)
        model = network(self.network, seed=seed).to(device)
        passes = train(
            model,
            training,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            seed=seed,
            **self._options(seed),
        )
        rows: list[Row] = []
        for epoch in stages(tqdm(passes, f"seed {seed}", self.epochs, leave=False)):
            if epoch in self.measured:
                for row in self._rows(model, looked_at, seed):
                    rows.append({"epoch": epoch} | row)
        return rows

    def smoke(self) -> Self:  # noqa: D102
        return replace(
            self._with_seeds(1),
            images=self.images.smoke(),
            layers=self.layers[:1],
            epochs=1,
            batch_size=16,
            measured=(0, 1),
            samples=16,
        )

    def gpu(self) -> Self:
        """Ask the same."""
        return self

    def _rows(self, model: nn.Module, images: ImageSet, seed: int) -> Iterator[Row]:
        pixels = intensities(images.images)
        still = batch_normalised_copy(model, pixels)
        found = layer_signals(still, pixels, images.labels)
        for name in self.layers:
            for row in _gains(found[name], _masks(seed)):
                yield {"layer": name, "side": found[name].delta.shape[-1]} | row


@dataclass(frozen=True, kw_only=True)
class NaturalPremise(OnBenchmark, Premise):
    """The same on a standard benchmark, with its recipe."""

    images: BenchmarkImages


RESNET = NaturalPremise(
    name="cifar10_premise",
    question=__doc__,
    seeds=range(3),
    images=CIFAR10.images,
    network=CIFAR10.network,
    layers=("6.body.3", "9.body.3", "12.body.3"),
    epochs=CIFAR10.epochs,
    batch_size=CIFAR10.batch_size,
    learning_rate=CIFAR10.learning_rate,
    measured=(0, 1, 15, 30),
    samples=256,
)

QUICK = replace(
    RESNET,
    name="airbench_premise",
    question="""\
Natural images in Jordan's network: where the error's energy lies, what masks do to it.

The question and the reading are those of ``cifar10_premise``, put before any of these
networks was trained, of the plain networks of ``cifar10_airbench``, those of three
epochs: 256 images, and the second, third and fifth convolution, on maps of 31, 15 and 7
positions a side.

What we expect: energy less concentrated than in the scenes once training has begun, and
no gain of the mask from theory above that of as many positions at random.  Added after
the soft mask had lost twenty points there, and before any of these runs: no gain of
the soft mask in any layer, once training has begun.

The compute: six minutes for a seed, on a core that multiplies bfloat16.
""",
    network=AIRBENCH.network,
    layers=("4", "8", "15"),
    epochs=3,
    batch_size=AIRBENCH.batch_size,
    learning_rate=AIRBENCH.learning_rate,
    padding=AIRBENCH.padding,
    measured=(0, 1, 2, 3),
    samples=256,
)

PHOTOGRAPHS = replace(
    RESNET,
    name="imagenette_premise",
    question="""\
Photographs: where the error's energy lies in ResNet-18, and what masks do to it.

The question and the reading are those of ``cifar10_premise``, put before any of these
networks was trained, of ResNet-18 with the schedule of ``imagenette``, at the second of
the peaks of ``recipe_imagenette``: the last convolution of each of the first three
stages, on maps of 32, 16 and 8 positions a side.

What we expect: energy more concentrated than in ``airbench_premise``, for there is more
background, and less than in the scenes; the mask from theory gains no more than as many
positions at random once training has begun.

The compute: a GPU, half a minute for a seed.
""",
    images=IMAGENETTE.images,
    network=IMAGENETTE.network,
    layers=("2.layer1.1.conv2", "2.layer2.1.conv2", "2.layer3.1.conv2"),
    epochs=IMAGENETTE.epochs,
    batch_size=IMAGENETTE.batch_size,
    learning_rate=0.1,
    padding=IMAGENETTE.padding,
    measured=(0, 1, 10, 20),
)

SCENES = Premise(
    name="scenes_premise",
    question="""\
Where the error's energy lies in the laboratory's scenes, for comparison with CIFAR-10.

The question, put before any of these networks was trained: ``airbench_premise`` expects
energy less concentrated than in the scenes, where the share of the largest tenth was
never measured.  How much do they hold there, what is Q, and what do masks gain?

The plan: the small ResNet, trained plainly on 2,000 scenes as in ``layer_gain``; 256 of
them, and the second convolution of each block, on maps of 32, 16 and 8 positions a
side.

What we expect: once training has begun, the largest tenth holds at least ten points
more of the energy than in ``airbench_premise`` in the first and second of the three
layers, and the mask from theory gains more than as many positions at random in each.
The soft mask was added when all else had been measured once, with the same seeds: it
gains, too, in each layer.

The compute: half a minute for a seed.
""",
    seeds=range(3),
    images=SceneImages(training=2000, test=1),
    network="resnet",
    layers=("3.body.2.0", "4.body.2.0", "5.body.2.0"),
    epochs=8,
    batch_size=64,
    learning_rate=LEARNING_RATE,
    measured=(0, 1, 4, 8),
    samples=256,
)

TABLE = (RESNET, QUICK, PHOTOGRAPHS, SCENES)


def _masks(seed: int) -> dict[str, GradientMask]:
    theory = MASKS["theory"]
    return {
        "theory": theory,
        "theory, random": replace(theory, select="random", seed=seed),
        "theory, top-k": replace(theory, select="top-k"),
        "weights": MASKS["weights"],
        "soft": SOFT_MASKS["soft"],
    }


def _gains(signals: Signals, masks: dict[str, GradientMask]) -> Iterator[Row]:
    patches = input_patches(signals)
    grads = sample_gradients(signals, patches)
    plain = moments(grads)
    signal, noise = plain.signal(True), plain.noise(True)
    kernels = MASKS["theory"].kernels(
        *signals.delta.shape[2:], device=signals.delta.device
    )
    layer = {
        "q": (plain.signal() / plain.norms.mean()).item(),
        "q_stderr": jackknife_stderr(signal / (signal + noise)),
        "lgq": lateral_quality(signals.delta, kernels).nanmean().item(),
        "loudest tenth": _loudest(signals.energy("contribution")),
    }
    for name, mask in masks.items():
        generator = torch.Generator(grads.device).manual_seed(mask.seed)
        energy = signals.energy(mask.energy)
        kept = mask.mask(signals.delta, energy=energy, generator=generator)
        gain = estimate_gain(grads, sample_gradients(signals, patches, kept))
        yield {"mask": name} | layer | gain._asdict()


def _loudest(energy: Tensor) -> float:
    """Share of the squared energy that the loudest tenth of the positions hold."""
    power = energy.double().square().flatten(1)
    limit = power.topk(max(1, power.shape[1] // TENTH), dim=1).values[:, -1:]
    return energy_share(power, power >= limit, dim=(-1,)).nanmean().item()
