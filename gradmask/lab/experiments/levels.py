"""What comparisons measure of a trained network, and at which levels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from typing import Self

import torch
from torch import nn

from gradmask.lab.data.images import ImageSet
from gradmask.lab.data.scenes import Scenes
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.measures.corruptions import corrupted_accuracy
from gradmask.lab.measures.pruning import accuracy_over_sparsity, pruned_copy
from gradmask.lab.measures.robustness.attacks import fgsm, pgd, robust_accuracy
from gradmask.lab.measures.saliency.attention import attention
from gradmask.lab.training.loop import finish, train

__all__ = ["USUAL", "Levels", "numbers"]

PIXEL = 1 / 255

Numbers = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Levels:
    """How much is pruned, how strong attacks and corruptions are.

    Parameters
    ----------
    unstructured, structured : tuple of float
        Shares of the weights, and of the channels, that are pruned.
    tuned : tuple of float
        Shares of the weights after whose pruning the rest is trained for one epoch.
    attacked : int, default 1000
        How many test images are attacked.
    attack_batch : int, default 100
        How many of them at once.
    fgsm, pgd : tuple of int
        Strengths of the attacks, in 255ths.
    pgd_steps, pgd_restarts : int, default 10 and 2
        Of projected gradient descent.
    severities : tuple of int
        Of the corruptions, from 1 to 5.
    """

    unstructured: tuple[float, ...] = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.95)
    structured: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2)
    tuned: tuple[float, ...] = (0.7, 0.9)
    attacked: int = 1000
    attack_batch: int = 100
    fgsm: tuple[int, ...] = (1, 2, 4, 8)
    pgd: tuple[int, ...] = (1, 2, 4)
    pgd_steps: int = 10
    pgd_restarts: int = 2
    severities: tuple[int, ...] = (1, 3, 5)

    def __post_init__(self) -> None:
        shares = self.unstructured + self.structured + self.tuned
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"shares must lie in 0..1, got {shares}")
        if not {*self.severities} <= {1, 2, 3, 4, 5}:
            raise ValueError(f"severities must lie in 1..5, got {self.severities}")

    def smoke(self) -> Self:
        """One level of each."""
        return replace(
            self,
            unstructured=(0.5,),
            structured=(0.2,),
            tuned=(0.5,),
            attacked=10,
            fgsm=(4,),
            pgd=(4,),
            pgd_steps=2,
            pgd_restarts=1,
            severities=(3,),
        )


USUAL = Levels()
"""Those of most comparisons."""


def numbers(
    model: nn.Module,
    training: ImageSet,
    test: ImageSet,
    levels: Levels,
    batch_size: int = 64,
) -> Numbers:
    """Measure a trained network: fit, accuracy, pruning, attacks, corruptions.

    Parameters
    ----------
    model : nn.Module
        The network, left as it is.
    training, test : ImageSet
        The one for a short fine-tuning after pruning; the other is what everything is
        measured on.
    levels : Levels
        At which levels.
    batch_size : int, default 64
        Of the fine-tuning.

    Returns
    -------
    dict of str to float
        "train loss", "train accuracy", "test loss", "test accuracy", "gap"; accuracies
        such as "global 0.7", "structured 0.1", "tuned 0.9" and "fgsm 4"; the means
        "pruned" and "attacked" over these, and "corrupted" over all corruptions; and
        with scenes "attention"
        (:func:`gradmask.lab.measures.saliency.attention.attention`).
    """
    fit, score = evaluate(model, training), evaluate(model, test)
    pruned = _pruned(model, training, test, levels, batch_size)
    attacked = _attacked(model, test, levels)
    found = {
        "train loss": fit.loss,
        "train accuracy": fit.accuracy,
        "test loss": score.loss,
        "test accuracy": score.accuracy,
        "gap": fit.accuracy - score.accuracy,
        **pruned,
        "pruned": fmean(pruned.values()),
        **attacked,
        "attacked": fmean(attacked.values()),
        "corrupted": corrupted_accuracy(model, test, levels.severities),
    }
    if isinstance(test, Scenes):
        found["attention"] = attention(model, test)
    return found


def _pruned(
    model: nn.Module,
    training: ImageSet,
    test: ImageSet,
    levels: Levels,
    batch_size: int,
) -> Numbers:
    weights = accuracy_over_sparsity(model, test, levels.unstructured)
    channels = accuracy_over_sparsity(model, test, levels.structured, structured=True)
    found = {f"global {sparsity}": value for sparsity, value in weights.items()}
    found |= {f"structured {sparsity}": value for sparsity, value in channels.items()}
    for sparsity in levels.tuned:
        pruned = pruned_copy(model, sparsity, keep=True)
        passes = train(
            pruned,
            training,
            epochs=1,
            batch_size=batch_size,
            learning_rate=0.01,
            seed=0,
        )
        finish(passes)
        found[f"tuned {sparsity}"] = evaluate(pruned, test).accuracy
    return found


def _attacked(model: nn.Module, test: ImageSet, levels: Levels) -> Numbers:
    images, labels = (t[: levels.attacked] for t in (test.images, test.labels))
    iterative = partial(
        pgd,
        steps=levels.pgd_steps,
        restarts=levels.pgd_restarts,
        generator=torch.Generator().manual_seed(0),
    )
    attacks = ("fgsm", fgsm, levels.fgsm), ("pgd", iterative, levels.pgd)
    found = {}
    for name, attack, levels_of_it in attacks:
        strengths = [strength * PIXEL for strength in levels_of_it]
        accuracy = robust_accuracy(
            model, images, labels, attack, strengths, levels.attack_batch
        )
        for strength, value in zip(levels_of_it, accuracy.values(), strict=True):
            found[f"{name} {strength}"] = value
    return found
