"""What is measured of a trained network: one flat dictionary for all chapters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean
from typing import Any

import torch
from torch import nn

import gradmask as gm
from gradmask.lab.data.images import ImageSet
from gradmask.lab.data.scenes import Scenes
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.measures.corruptions import CORRUPTIONS, corrupt
from gradmask.lab.measures.pruning import accuracy_over_sparsity, pruned_copy
from gradmask.lab.measures.robustness.attacks import (
    fgsm,
    pgd,
    robust_accuracy,
)
from gradmask.lab.measures.saliency.attention import attention
from gradmask.lab.training.loop import finish, train

__all__ = ["everything", "quality"]

Numbers = dict[str, float]

PIXEL = 1 / 255


def everything(
    model: nn.Module,
    seconds: float,
    training: ImageSet,
    test: ImageSet,
    config: dict[str, Any],
) -> Numbers:
    """Measure a trained network: fit, accuracy, pruning, attacks, corruptions.

    Parameters
    ----------
    model : nn.Module
        The network, left as it is.
    seconds : float
        Of an epoch of its training.
    training, test : ImageSet
        The one for a short fine-tuning after pruning; the other is what everything is
        measured on.
    config : dict
        An experiment's configuration: the levels in "global", "structured" and "tuned"
        (sparsities), "fgsm" and "pgd" (in 255ths), "severities", and "pgd_steps",
        "pgd_restarts", "attacked" (how many images) and "attack_batch" (how many at
        once, 100 if it does not say).

    Returns
    -------
    dict of str to float
        "train loss", "train accuracy", "test loss", "test accuracy", "gap", "seconds"
        an epoch; accuracies such as "global 0.7", "tuned 0.9", "fgsm 4" and
        "noise 3"; their means over the levels, "pruned", "attacked" and "corrupted";
        and with scenes "attention" (:func:`attention`).
    """
    fit, score = evaluate(model, training), evaluate(model, test)
    found = {
        "train loss": fit.loss,
        "train accuracy": fit.accuracy,
        "test loss": score.loss,
        "test accuracy": score.accuracy,
        "gap": fit.accuracy - score.accuracy,
        "seconds": seconds,
    }
    families = {
        "pruned": _pruned(model, training, test, config),
        "attacked": _attacked(model, test, config),
        "corrupted": _corrupted(model, test, config["severities"]),
    }
    for name, numbers in families.items():
        found |= numbers | {name: fmean(numbers.values())}
    if isinstance(test, Scenes):
        found["attention"] = attention(model, test)
    return found


def quality(model: nn.Module, images: ImageSet, samples: int) -> Numbers:
    """Q of a network's plain gradients, and the mean LGQ of its convolutions.

    LGQ is nan for a dead network, where no convolution has an error.
    """
    device = next(model.parameters()).device
    monitor = gm.QualityMonitor(
        model, nn.CrossEntropyLoss(), samples=samples, max_bytes=2**35
    )
    whole, *layers = monitor.measure(images.images.to(device), images.labels.to(device))
    lateral = [v for row in layers if not math.isnan(v := float(row["lgq"]))]
    return {"q": float(whole["q"]), "lgq": fmean(lateral) if lateral else math.nan}


def _pruned(
    model: nn.Module,
    training: ImageSet,
    test: ImageSet,
    config: dict[str, Any],
) -> Numbers:
    found: Numbers = {}
    for name in ("global", "structured"):
        accuracy = accuracy_over_sparsity(
            model, test, config[name], structured=name == "structured"
        )
        found |= {f"{name} {sparsity}": a for sparsity, a in accuracy.items()}
    for sparsity in config["tuned"]:
        pruned = pruned_copy(model, sparsity, keep=True)
        finish(train(pruned, training, epochs=1, learning_rate=0.01, seed=0))
        found[f"tuned {sparsity}"] = evaluate(pruned, test).accuracy
    return found


def _attacked(model: nn.Module, test: ImageSet, config: dict[str, Any]) -> Numbers:
    images, labels = (t[: config["attacked"]] for t in (test.images, test.labels))
    iterative = partial(
        pgd,
        steps=config["pgd_steps"],
        restarts=config["pgd_restarts"],
        generator=torch.Generator().manual_seed(0),
    )
    found = {}
    for name, attack in ("fgsm", fgsm), ("pgd", iterative):
        strengths = [strength * PIXEL for strength in config[name]]
        accuracy = robust_accuracy(
            model, images, labels, attack, strengths, config.get("attack_batch", 100)
        )
        for strength, value in zip(config[name], accuracy.values(), strict=True):
            found[f"{name} {strength}"] = value
    return found


def _corrupted(model: nn.Module, test: ImageSet, severities: Sequence[int]) -> Numbers:
    found = {}
    for kind in CORRUPTIONS:
        for severity in severities:
            generator = torch.Generator().manual_seed(severity)
            images = corrupt(test.images, kind, severity, generator=generator)
            changed = replace(test, images=images)
            found[f"{kind} {severity}"] = evaluate(model, changed).accuracy
    return found
