"""Why backgrounds mislead theory's mask less: which part of it, and which stripes.

``hunt_backgrounds`` found the mask ahead of all its controls, against what its
docstring expected.  The reading, put before any of these runs: a wide balanced kernel
is blind to an even field of stripes, since neighbours inhibit each other, and sees the
object.  It foretells that the lead is lost with a kernel as narrow as the stripes and
with stripes as wide as the kernel; and that the mask, more than top-k, keeps the
object's part of the gradient and drops the background's.

The plan: the hunt's scenes, network and schedule, five seeds that no other experiment
draws.  Three changes of the mask; stripes two and four times as wide; another family;
and stripes that tell nothing (they agree by chance), which show how much there is to
lose.  Two numbers tell being
misled from not knowing the object: how often the prediction is what the stripes say,
and the accuracy on the same scenes without stripes.

The compute: 13 minutes for a seed on one core, 65 minutes for five.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean
from typing import Self

import torch
from torch import Tensor, nn
from tqdm import tqdm

from gradmask import GradientMask
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import Scenes, scene_splits
from gradmask.lab.data.shortcuts import shown_classes, striped
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.measures.layers.gain import mask_rates
from gradmask.lab.measures.layers.signals import layer_signals, object_positions
from gradmask.lab.measures.saliency.attention import attention
from gradmask.lab.networks.inspection import batch_normalised_copy, predict
from gradmask.lab.networks.registry import network
from gradmask.lab.records import Row
from gradmask.lab.training.loop import train
from gradmask.lab.training.variants import MASKS, PLAIN, Variant, with_controls

__all__ = ["EXPERIMENT", "Setting", "Stripes", "kept_energy"]

THEORY = MASKS["theory"]
PARTS = (
    *with_controls("theory"),
    Variant("half the scale", replace(THEORY, sigma=0.125)),
    Variant("5x5", replace(THEORY, sigma=1.0, size=5, relative=False)),
    Variant("error energy", replace(THEORY, energy="error")),
)
FEW = (PLAIN, Variant("theory", THEORY), Variant("theory", THEORY, "top-k"))


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Which network, which stripes, and what is compared there."""

    family: str = "resnet"
    period: int = 4
    agreement: float = 0.8
    variants: tuple[Variant, ...]


@dataclass(frozen=True, kw_only=True)
class Stripes(Experiment):
    """Sizes, and the settings; "samples" are the scenes whose energies are measured."""

    training: int = 1000
    test: int = 1000
    epochs: int = 30
    shorter: int = 14
    samples: int = 200
    settings: tuple[Setting, ...] = (
        Setting(variants=PARTS),
        Setting(variants=FEW, period=8),
        Setting(variants=FEW, period=16),
        Setting(variants=FEW, family="vgg"),
        Setting(variants=(PLAIN,), agreement=0.1),
    )

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Train every variant of every setting.

        Rows: "family", "period", "agreement", "variant", "epochs", "train loss",
        "test accuracy", "misled" (share of the test scenes taken for what the stripes
        tell), "without stripes" (accuracy), "attention" as in
        :func:`gradmask.lab.measures.saliency.attention.attention`, and what
        :func:`kept_energy` gives in the middle of training.
        """
        sizes = (self.training, 1, self.test)
        bare = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
        return [
            row
            for setting in self.settings
            for row in self._compared(setting, bare.train, bare.test, seed, device)
        ]

    def smoke(self) -> Self:  # noqa: D102
        return replace(
            self._with_seeds(2), training=64, test=20, epochs=2, shorter=1, samples=8
        )

    def _compared(
        self,
        setting: Setting,
        training: Scenes,
        test: Scenes,
        seed: int,
        device: torch.device,
    ) -> list[Row]:
        said = shown_classes(training.labels, setting.agreement, seed=seed)
        lies = shown_classes(test.labels, 0, seed=seed)
        striped_training = striped(training, said, period=setting.period)
        misleading = striped(test, lies, period=setting.period)
        plans = [(PLAIN, self.shorter), *((v, self.epochs) for v in setting.variants)]
        rows: list[Row] = []
        for variant, epochs in plans:
            model = network(setting.family, seed=seed).to(device)
            kept = self._trained(model, variant, epochs, striped_training, seed)
            rows.append(
                {
                    "family": setting.family,
                    "period": setting.period,
                    "agreement": setting.agreement,
                    "variant": variant.label,
                    "epochs": epochs,
                    "train loss": evaluate(model, striped_training).loss,
                }
                | _judged(model, misleading, lies, test)
                | kept
            )
        return rows

    def _trained(
        self,
        model: nn.Module,
        variant: Variant,
        epochs: int,
        training: Scenes,
        seed: int,
    ) -> dict[str, float]:
        kept: dict[str, float] = {}
        masks, middle = variant.schedule(seed, epochs), (epochs + 1) // 2
        some = training[: self.samples].to(next(model.parameters()).device)
        passes = train(model, training, epochs=epochs, inhibition=masks, seed=seed)
        title = f"{variant.label}, seed {seed}"
        for last in tqdm(passes, title, epochs, leave=False):
            if last.number == middle:
                kept = kept_energy(model, some, masks(middle))
        return kept


EXPERIMENT = Stripes(name="stripes", question=__doc__, seeds=range(2000, 2005))


def kept_energy(
    model: nn.Module, scenes: Scenes, mask: GradientMask | None
) -> dict[str, float]:
    """Shares of the contributions' energy that a mask keeps, means over convolutions.

    Parameters
    ----------
    model : nn.Module
        Classifier; a frozen copy of it is measured.
    scenes : Scenes
        Those to measure on.
    mask : GradientMask or None
        It is asked, not applied; None keeps everything.

    Returns
    -------
    dict of str to float
        "kept on" the object and "kept beside" it.
    """
    if mask is None:
        return {"kept on": 1.0, "kept beside": 1.0}
    signals = layer_signals(
        batch_normalised_copy(model, scenes.images), scenes.images, scenes.labels
    )
    rates = []
    for layer in signals.values():
        on = object_positions(scenes.mask, layer.delta.shape)
        contribution = layer.energy("contribution")
        kept = mask.mask(layer.delta, energy=layer.energy(mask.energy))
        whole = torch.ones_like(on)
        rates.append(mask_rates(whole if kept is None else kept, on, contribution))
    return {
        "kept on": fmean(rate.hit_energy for rate in rates),
        "kept beside": fmean(rate.false_alarm_energy for rate in rates),
    }


def _judged(
    model: nn.Module, misleading: Scenes, lies: Tensor, bare: Scenes
) -> dict[str, float]:
    found, known = (_predicted(model, part.images) for part in (misleading, bare))
    return {
        "test accuracy": (found == misleading.labels).double().mean().item(),
        "misled": (found == lies).double().mean().item(),
        "without stripes": (known == bare.labels).double().mean().item(),
        "attention": attention(model, misleading),
    }


def _predicted(model: nn.Module, images: Tensor) -> Tensor:
    return predict(model, images).argmax(1).cpu()
