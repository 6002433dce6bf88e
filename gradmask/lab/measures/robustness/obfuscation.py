"""Checks for obfuscated gradients: whether a network is robust or hides its gradient.

A defence can make an attack fail by hiding the gradient from it, and then its accuracy
under attack means nothing.  Each check is something that a sound attack on an honest
network cannot do; where one of them fails, the result is void.

References
----------
Athalye et al., *Obfuscated gradients give a false sense of security*, ICML 2018.
Carlini et al., *On evaluating adversarial robustness*, arXiv:1902.06705.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gradmask.lab.measures.robustness.attacks import (
    Attack,
    fgsm,
    loss_gradient,
    pgd,
    robust_accuracy,
)
from gradmask.lab.measures.robustness.square_attack import square_attack
from gradmask.lab.networks.inspection import evaluation_copy

__all__ = ["Obfuscation", "check_gradients"]


class Obfuscation(NamedTuple):
    """Accuracies of a network under attacks that check one another.

    Attributes
    ----------
    white_box : float
        Under projected gradient descent with its 20 steps.
    more_steps : float
        Under four times as many steps.
    single_step : float
        Under the fast gradient sign method.
    transfer : float
        Under projected gradient descent along another network's gradients.
    black_box : float
        Under the square attack, which sees no gradient.
    unbounded : float
        Under projected gradient descent that may change pixels at will.
    chance : float
        One over the number of classes.
    zero_gradients : float
        Share of images on which the input gradient is exactly zero.
    tolerance : float
        What an accuracy may be above one that it should not exceed, and the share of
        zero gradients that passes.
    """

    white_box: float
    more_steps: float
    single_step: float
    transfer: float
    black_box: float
    unbounded: float
    chance: float
    zero_gradients: float
    tolerance: float

    @property
    def verdicts(self) -> dict[str, bool]:
        """Whether each check passes, by what an honest network shows."""
        limit = self.white_box - self.tolerance
        return {
            "more steps do not help the network": (
                self.more_steps <= self.white_box + self.tolerance
            ),
            "a single step is not stronger than many": self.single_step >= limit,
            "another network's gradients are not stronger": self.transfer >= limit,
            "a search without gradients is not stronger": self.black_box >= limit,
            "an unbounded attack leaves less than chance": self.unbounded < self.chance,
            "gradients are not zero": self.zero_gradients <= self.tolerance,
        }

    @property
    def passed(self) -> bool:
        """Whether every check passes."""
        return all(self.verdicts.values())


def check_gradients(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    *,
    surrogate: nn.Module,
    queries: int = 500,
    tolerance: float = 0.02,
    generator: torch.Generator,
) -> Obfuscation:
    """Check that the gradients of a network lead an attacker where they should.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits; it is copied, and left as it is.
    images, labels : Tensor
        Shapes (N, C, H, W), in [0, 1], and (N,).
    epsilon : float
        Strength of the attacks, in the images' units.  Choose it where accuracy under
        attack is well below the clean one and well above zero: elsewhere the checks
        that compare attacks say little.
    surrogate : nn.Module
        Another network for the same task, trained without the defence.
    queries : int, default 500
        Queries of the square attack.
    tolerance : float, default 0.02
        What an accuracy may exceed another one by.  Random starts alone move an
        accuracy by a few images, so that 200 images or more are needed.
    generator : torch.Generator
        Of all random draws.

    Returns
    -------
    Obfuscation
        The accuracies, and what they say.
    """
    victim = evaluation_copy(model)
    device = next(model.parameters()).device
    images, labels = images.to(device), labels.to(device)
    climb = partial(pgd, generator=generator)
    search = partial(square_attack, queries=queries, generator=generator)

    def accuracy(attack: Attack, strength: float = epsilon) -> float:
        return robust_accuracy(victim, images, labels, attack, [strength])[strength]

    zero = [
        (loss_gradient(victim, x, y) == 0).flatten(1).all(1)
        for x, y in zip(images.split(100), labels.split(100), strict=True)
    ]
    return Obfuscation(
        white_box=accuracy(climb),
        more_steps=accuracy(partial(climb, steps=80)),
        single_step=accuracy(fgsm),
        transfer=accuracy(partial(climb, surrogate=surrogate)),
        black_box=accuracy(search),
        unbounded=accuracy(climb, 1.0),
        chance=1 / victim(images[:1]).shape[1],
        zero_gradients=float(torch.cat(zero).double().mean()),
        tolerance=tolerance,
    )
