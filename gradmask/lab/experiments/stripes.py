"""Why backgrounds mislead theory's mask less: which part of it, and which stripes.

:mod:`.hunt_backgrounds` found the mask ahead of all its controls, against what its
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

from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from gradmask import GradientMask
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import Scenes, scene_splits
from gradmask.lab.data.shortcuts import striped, told
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.measures.layers.gain import mask_rates
from gradmask.lab.measures.layers.signals import layer_signals, object_positions
from gradmask.lab.measures.saliency.attention import attention
from gradmask.lab.networks.inspection import batch_normalised_copy, predict
from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.records import Row
from gradmask.lab.training.loop import train
from gradmask.lab.training.variants import MASKS, Options, build, with_controls

__all__ = ["PROFILES", "kept_energy", "run"]

FRESH = 2000

THEORY = MASKS["theory"]
PARTS = with_controls("theory") | {
    "half the scale": THEORY | {"sigma": 0.125},
    "5x5": THEORY | {"sigma": 1.0, "size": 5, "relative": False},
    "error energy": THEORY | {"energy": "error"},
}
FEW = {name: PARTS[name] for name in ("plain", "theory", "theory, top-k")}


def _setting(variants: dict[str, Any], **changes: Any) -> dict[str, Any]:
    usual = {"family": "resnet", "period": 4, "agreement": 0.8}
    return usual | changes | {"variants": variants}


LAPTOP: dict[str, Any] = {
    "seeds": 5,
    "training": 1000,
    "test": 1000,
    "epochs": 30,
    "shorter": 14,
    "samples": 200,
    "settings": [
        _setting(PARTS),
        _setting(FEW, period=8),
        _setting(FEW, period=16),
        _setting(FEW, family="vgg"),
        _setting({"plain": None}, agreement=0.1),
    ],
}
SMOKE = {"training": 64, "test": 20, "epochs": 2, "shorter": 1}
PROFILES: dict[str, dict[str, Any]] = {
    "smoke": LAPTOP | SMOKE | {"seeds": 2, "samples": 8},
    "laptop": LAPTOP,
    "gpu": LAPTOP | {"seeds": 20},
}


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train every variant of every setting with seed 2000 + `seed`.

    Rows: "family", "period", "agreement", "variant", "epochs", "train loss",
    "test accuracy", "misled" (share of the test scenes taken for what the stripes
    tell), "without stripes" (accuracy), "attention" as in
    :func:`gradmask.lab.measures.saliency.attention.attention`, and what
    :func:`kept_energy` gives in the middle of training.
    """
    seed += FRESH
    sizes = (config["training"], 1, config["test"])
    bare = scene_splits(load_fashion_mnist(), *sizes, seed=seed)
    return [
        row
        for setting in config["settings"]
        for row in _compared(setting, bare.train, bare.test, config, seed, device)
    ]


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


def _compared(
    setting: dict[str, Any],
    training: Scenes,
    test: Scenes,
    config: dict[str, Any],
    seed: int,
    device: torch.device,
) -> list[Row]:
    period = setting["period"]
    said = told(training.labels, setting["agreement"], seed=seed)
    lies = told(test.labels, 0, seed=seed)
    striped_training = striped(training, said, period=period)
    misleading = striped(test, lies, period=period)
    plans: list[tuple[str, Options, int]] = [("plain", None, config["shorter"])]
    plans += [(*named, config["epochs"]) for named in setting["variants"].items()]
    rows: list[Row] = []
    for name, options, epochs in plans:
        model = FAMILIES[setting["family"]](seed=seed).to(device)
        mask = build(options, seed)
        loss, kept = _trained(
            model, mask, epochs, striped_training, config["samples"], seed, name
        )
        rows.append(
            {key: setting[key] for key in ("family", "period", "agreement")}
            | {"variant": name, "epochs": epochs, "train loss": loss}
            | _judged(model, misleading, lies, test)
            | kept
        )
    return rows


def _trained(
    model: nn.Module,
    mask: GradientMask | None,
    epochs: int,
    training: Scenes,
    samples: int,
    seed: int,
    name: str,
) -> tuple[float, dict[str, float]]:
    kept: dict[str, float] = {}
    device = next(model.parameters()).device
    some = training[:samples].to(device)

    passes = train(model, training, epochs=epochs, inhibition=mask, seed=seed)
    for last in tqdm(passes, f"{name}, seed {seed}", epochs, leave=False):
        if last.number == (epochs + 1) // 2:
            kept.update(kept_energy(model, some, mask))
    return evaluate(model, training).loss, kept


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
