"""What a mask does to one layer's weight gradients: measured from single samples.

On the weights route, where layers do not disturb each other; the gain is that of the
signal-to-noise ratio Q / (1 - Q), with Q as :func:`gradmask.quality.gradient_quality`
has it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor

from gradmask.lab.measures.energy import energy_share
from gradmask.lab.measures.layers.gradients import jackknife_stderr, moments

__all__ = ["GainEstimate", "Rates", "estimate_gain", "mask_rates"]


class GainEstimate(NamedTuple):
    """What :func:`estimate_gain` returns.

    Attributes
    ----------
    gain : float
        SNR with the mask over SNR without; nan where either estimate is not positive.
    log_stderr : float
        Jackknife standard error of the gain's natural logarithm.
    signal, noise : float
        What is left of ||E g||^2 and of E||g - E g||^2; the gain is their ratio.
    along : float
        What is left of E g in its own direction, <E g', E g> / ||E g||^2.
    """

    gain: float
    log_stderr: float
    signal: float
    noise: float
    along: float


def estimate_gain(plain_grads: Tensor, masked_grads: Tensor) -> GainEstimate:
    """SNR gain of a mask, from the gradients of the same samples with and without it.

    Parameters
    ----------
    plain_grads, masked_grads : Tensor
        :func:`sample_gradients`, shape (B, D) each.
    """
    plain, masked = moments(plain_grads), moments(masked_grads)
    signal = (masked.signal() / plain.signal()).item()
    noise = (masked.noise() / plain.noise()).item()
    positive = masked.signal() > 0 and plain.signal() > 0
    logs = (masked.signal(True) / masked.noise(True)).log()
    logs = logs - (plain.signal(True) / plain.noise(True)).log()
    gain = signal / noise if positive else math.nan
    both = plain_grads.sum(0) @ masked_grads.sum(0) - (plain_grads * masked_grads).sum()
    pairs = len(plain_grads) * (len(plain_grads) - 1)
    along = both.item() / pairs / plain.signal().item()
    return GainEstimate(gain, jackknife_stderr(logs), signal, noise, along)


class Rates(NamedTuple):
    """What a mask keeps at a layer, over all samples together.

    Attributes
    ----------
    hit, false_alarm : float
        Shares of the positions kept on the object and outside it: p and q.
    hit_energy, false_alarm_energy : float
        The same by contribution energy: what selection makes of them.
    """

    hit: float
    false_alarm: float
    hit_energy: float
    false_alarm_energy: float


def mask_rates(mask: Tensor, on: Tensor, contribution: Tensor) -> Rates:
    """Measure what a mask keeps, given the object and the contributions' energy.

    Parameters
    ----------
    mask, on : Tensor of bool, shape (B, 1, H, W)
        What is kept, and where the object is.
    contribution : Tensor of shape (B, 1, H, W)
        ``signals.energy("contribution")``.
    """
    kept, power = mask.double(), contribution.double().square()
    return Rates(
        kept[on].mean().item(),
        kept[~on].mean().item(),
        energy_share(power[on], mask[on], dim=None).item(),
        energy_share(power[~on], mask[~on], dim=None).item(),
    )
