r"""Stochastic gradient descent in the analysis's model, one sample a step.

The loss is half the squared distance to its minimum, so the true gradient G is that
distance.  A step's error signal carries ``s = G / |Omega|`` on the object, and fresh
noise of variance one per channel everywhere.  The strength lambda of the signal is
therefore proportional to the loss, and falls as training converges.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from gradmask import gradient_mask
from gradmask.functional import error_energy, lateral_response
from gradmask.theory import (
    agreement,
    critical_strength,
    predict_gain,
    predict_soft_gain,
)

__all__ = ["Rule", "descend", "rules", "steps_until"]

Rule = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From errors (R, C, H, W) and strengths (R,) to weights (R, 1, H, W) and the lengths
of the steps (R,)."""


def descend(
    rule: Rule,
    support: Tensor,
    strength: float,
    *,
    channels: int = 32,
    runs: int = 100,
    steps: int = 50,
    seed: int = 0,
) -> Tensor:
    """Follow masked gradients downhill; rules with the same seed see the same noise.

    Parameters
    ----------
    rule : callable
        How to weigh positions, and how far to go.
    support : Tensor
        Bool map (H, W) of the object.
    strength : float
        lambda at the start.
    channels, runs, steps, seed : int
        Channels C, independent runs, steps of each, and the seed of their noise.

    Returns
    -------
    Tensor, shape (steps + 1, runs)
        lambda before the first step and after each.
    """
    generator = torch.Generator().manual_seed(seed)
    area = support.sum().item()
    gradient = torch.randn(runs, channels, generator=generator)
    length = area * math.sqrt(strength * channels)
    gradient *= length / gradient.norm(dim=1, keepdim=True)
    strengths = [_strength(gradient, area)]
    for _ in range(steps):
        noise = torch.randn(runs, channels, *support.shape, generator=generator)
        delta = noise + (gradient / area)[:, :, None, None] * support
        weights, lengths = rule(delta, strengths[-1])
        step = torch.einsum("bchw,bhw->bc", delta, weights[:, 0].to(delta.dtype))
        gradient = gradient - lengths.to(delta.dtype)[:, None] * step
        strengths.append(_strength(gradient, area))
    return torch.stack(strengths)


def rules(
    kernel: Tensor,
    support: Tensor,
    channels: int,
    strengths: tuple[float, float],
    grid: int = 10,
) -> dict[str, Rule]:
    """Masks to descend with, each with its own best step.

    Parameters
    ----------
    kernel : Tensor
        Of the masks.
    support : Tensor
        Bool map (H, W) of the object.
    channels : int
        C.
    strengths : tuple of float
        The weakest and the strongest signal for which gains are predicted.
    grid : int, default 10
        At how many strengths between the two.

    Returns
    -------
    dict of str to callable
        "no mask"; "hard", a lateral mask at threshold zero; "hard, then none", the same
        down to its critical strength; "soft", the best weights.
    """
    at = np.geomspace(*strengths, grid)
    hard = [predict_gain(kernel, support, float(s), channels) for s in at]
    soft = [predict_soft_gain(kernel, support, float(s), channels) for s in at]
    unit = support.sum().item() ** 2 / support.numel()  # of SNR over strength

    def between(values: list[float], strength: Tensor) -> Tensor:
        log = np.log(strength.numpy())
        return torch.from_numpy(np.interp(log, np.log(at), values))

    def length(gains: list[float], hits: list[float], strength: Tensor) -> Tensor:
        snr = unit * strength * between(gains, strength)
        return agreement(snr) / between(hits, strength)

    steps = {
        "none": partial(length, [1.0] * grid, [1.0] * grid),
        "hard": partial(length, [m.gain for m in hard], [m.hit_rate for m in hard]),
        "soft": partial(length, [m.gain for m in soft], [m.gain for m in soft]),
    }
    critical = critical_strength(kernel, support, channels)

    def no_mask(delta: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones_like(delta[:, :1]), steps["none"](strength)

    def lateral(delta: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
        return gradient_mask(delta, kernel), steps["hard"](strength)

    def switched(delta: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
        off = strength < critical
        weights, lengths = lateral(delta, strength)
        return (
            weights | off[:, None, None, None],
            torch.where(off, steps["none"](strength), lengths),
        )

    def weighed(delta: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
        response = lateral_response(error_energy(delta), kernel)
        log = strength.log()[:, None] - torch.from_numpy(at).log()
        nearest, weights = log.abs().argmin(1), torch.empty_like(response)
        for index in nearest.unique().tolist():
            these = nearest == index
            weights[these] = soft[index].weights(response[these])
        return weights, steps["soft"](strength)

    return {
        "no mask": no_mask,
        "hard": lateral,
        "hard, then none": switched,
        "soft": weighed,
    }


def steps_until(strengths: Tensor, target: float) -> list[float]:
    """Count the steps of each run to the first strength at or below a target.

    Parameters
    ----------
    strengths : Tensor, shape (steps + 1, runs)
        As :func:`descend` returns them.
    target : float
        The strength to reach.

    Returns
    -------
    list of float
        Infinite for a run that does not reach it.
    """
    reached = strengths <= target
    first = reached.double().argmax(0)
    return torch.where(reached.any(0), first, math.inf).tolist()


def _strength(gradient: Tensor, area: float) -> Tensor:
    return gradient.square().mean(1) / area**2
