"""What a mask costs: the time and memory of a training step with it and without.

The question: how much longer does a training step take, and how much more memory does
it hold, with a mask at every site?  And how does that compare with the floor, with a
plain hook, and with masking one sample after the other?  What does gradient quality
cost beside a plain backward pass?

The plan: every variant has its own copy of the network and takes one step in every
round, so that a busy machine slows all alike; a ratio is the median over the rounds of
the variant's time over plain training's in the same round.  A seed is one such run;
it changes the data and nothing that matters, so that seeds say how far runs agree.

What bounds it, in two numbers:

- *Bytes that must move.*  The signal route must read the error twice, for its energy
  and to mask it, and write it once: three passes at every activation.  An activation's
  own backward pass takes as many, a batch normalisation's five.  The weights route
  reads the masked error and the convolution's output twice more, and writes once, to
  project: eight passes at every convolution.  It also splits the convolution's backward
  pass in two, which reads the error once more.
- *Launches that must happen.*  Where maps are small, an operation costs more to begin
  than to do.  The formulas begin about two dozen at a site, most of them on a single
  channel.  The kernels of :mod:`gradmask.fused` begin one at a small map and three at a
  large one, and two more to project.

The floor reads the energy and applies a mask that was made in advance, at every site:
the same hooks and the same passes, no filter and no decision.

The compute: ten minutes for a seed on one core of a busy machine.
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import mobilenet_v2, resnet18, resnet50

import gradmask as gm
from gradmask import fused
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.measures.cost import Step, interleaved, peak_bytes
from gradmask.lab.networks.small import FAMILIES, small_resnet
from gradmask.lab.records import Row
from gradmask.lab.training.variants import MASKS

Shape = tuple[int, ...]

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "small ResNet": lambda: small_resnet(seed=0),
    "ResNet-18": lambda: resnet18(num_classes=10),
    "MobileNetV2": lambda: mobilenet_v2(num_classes=10),
    "ResNet-50": lambda: resnet50(num_classes=1000),
}


@dataclass(frozen=True, repr=False)
class Floor(gm.GradientMask):
    """What every mask must do, and no more: read the energy, apply some mask."""

    def mask(self, delta: Tensor, **_: Any) -> Tensor | None:  # noqa: D102
        if not self.kernels(*delta.shape[-2:]):
            return None
        serves = fused.serves(delta)
        energy = (fused if serves else gm.functional).error_energy(delta)
        return _any_mask(energy.shape, energy.device)


@lru_cache
def _any_mask(shape: torch.Size, device: torch.device) -> Tensor:
    return torch.rand(shape, device=device) > 0.5


def plain_hook(masked: Callable[[Tensor], Tensor]) -> Callable[[nn.Module], None]:
    """Mask as a first attempt would: a tensor hook at every activation's input."""

    def hook(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        args[0].register_hook(masked)

    def attach(model: nn.Module) -> None:
        for module in model.modules():
            if isinstance(module, nn.ReLU | nn.ReLU6):
                module.inplace = False
                module.register_forward_pre_hook(hook)

    return attach


def together(delta: Tensor) -> Tensor:
    """Mask all samples at once, by the formula as it is written."""
    if min(delta.shape[-2:]) < 5:
        return delta
    energy = delta.norm(dim=1, keepdim=True)
    padded = F.pad(energy, (2,) * 4, mode="reflect")
    response = F.conv2d(padded, _plain_kernel(delta.device)[None, None])
    return torch.where(response > 0, delta, 0)


@lru_cache
def _plain_kernel(device: torch.device) -> Tensor:
    return gm.laplacian_of_gaussian(1.0, size=5, device=device)


def singly(delta: Tensor) -> Tensor:
    """Mask one sample after the other, as code written for single images does."""
    return torch.cat([together(sample) for sample in delta.split(1)])


VARIANTS: dict[str, Callable[[nn.Module], object]] = {
    "plain": lambda model: None,
    "plain hook": plain_hook(together),
    "plain hook, one sample at a time": plain_hook(singly),
    "signal, floor": Floor(1.0, size=5).attach,
    "signal": MASKS["signal"].attach,
    "signal, two scales": gm.GradientMask((1.0, 1.4), size=5).attach,
    "weights, floor": Floor(1.0, size=5, route="weights", project=False).attach,
    "weights, not projected": replace(MASKS["weights"], project=False).attach,
    "weights": MASKS["weights"].attach,
    "theory": MASKS["theory"].attach,
}
"""What takes a training step; the first is what the others are compared with."""


@dataclass(frozen=True, kw_only=True)
class Overhead(Experiment):
    """Rounds, and the shapes of the batches (B, C, H, W).

    Training steps of "variants" are measured on "networks", by name, each with its
    batch; gradient quality on "families" with one "batch".
    """

    rounds: int = 30
    networks: Mapping[str, Shape] = field(
        default_factory=lambda: {
            "small ResNet": (128, 1, 28, 28),
            "ResNet-18": (16, 3, 64, 64),
            "MobileNetV2": (8, 3, 128, 128),
        }
    )
    variants: tuple[str, ...] = tuple(VARIANTS)
    families: tuple[str, ...] = ("cnn", "vgg", "resnet", "mobilenet")
    batch: Shape = (128, 1, 28, 28)

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Measure every variant on every network, then quality on the families.

        Rows: "measured" ("training step", or "gradient quality", whose "plain" is a
        backward pass of the same batch in evaluation mode), "network", "variant",
        "ratio" with its quartiles "low" and "high", and of the variant itself
        "milliseconds", the median, and "peak_mb", the most memory held beyond what was
        held before.
        """
        rows = []
        for name, shape in self.networks.items():
            images = batch(shape, seed, device)
            steps = training_steps(NETWORKS[name](), images, self.variants)
            measured = {"measured": "training step", "network": name}
            rows += [measured | row for row in compare(steps, self.rounds, device)]
        for name in self.families:
            model = FAMILIES[name](seed=0).eval().to(device)
            steps = quality_steps(model, batch(self.batch, seed, device))
            measured = {"measured": "gradient quality", "network": name}
            rows += [measured | row for row in compare(steps, self.rounds, device)]
        return rows

    def smoke(self) -> Self:  # noqa: D102
        return replace(
            self._with_seeds(1),
            rounds=3,
            networks={"small ResNet": (4, 1, 28, 28)},
            families=self.families[:1],
            batch=(4, 1, 28, 28),
        )

    def gpu(self) -> Self:
        """Ask the same."""
        return self


EXPERIMENT = Overhead(name="overhead", question=__doc__, seeds=range(3))


def training_steps(
    model: nn.Module,
    batch: tuple[Tensor, Tensor],
    variants: Iterable[str] = VARIANTS,
    through: Callable[[nn.Module], Any] = lambda model: model,
) -> dict[str, Step]:
    """One training step for each variant, each with a network of its own."""
    steps: dict[str, Step] = {}
    for name in variants:
        own = copy.deepcopy(model).to(batch[0].device).train()
        VARIANTS[name](own)
        steps[name] = _training_step(through(own), *batch)
    return steps


def quality_steps(model: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, Step]:
    """A backward pass of a batch, and the gradient quality of the same batch."""

    def plain() -> None:
        model.zero_grad()
        F.cross_entropy(model(batch[0]), batch[1]).backward()

    def quality() -> None:
        gm.gradient_quality(gm.per_sample_gradients(model, F.cross_entropy, *batch))

    return {"plain": plain, "quality": quality}


def compare(steps: Mapping[str, Step], rounds: int, device: torch.device) -> list[Row]:
    """Time and memory of every step, and the ratio of its time to the first one's."""
    times = interleaved(steps, rounds, device)
    first, *_ = times.values()
    rows = []
    for name, seconds in times.items():
        ratios = [own / plain for own, plain in zip(seconds, first, strict=True)]
        low, ratio, high = statistics.quantiles(ratios, n=4)
        rows.append(
            {
                "variant": name,
                "ratio": ratio,
                "low": low,
                "high": high,
                "milliseconds": 1000 * statistics.median(seconds),
                "peak_mb": peak_bytes(steps[name], device) / 2**20,
            }
        )
    return rows


def _training_step(model: nn.Module, images: Tensor, labels: Tensor) -> Step:
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def batch(shape: Shape, seed: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images of a shape, and labels, on a device."""
    images = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    return images.to(device), torch.arange(shape[0], device=device) % 10
