"""Monte-Carlo of the analysis's model: what masks do to gradients, without formulas.

A sample's error signal is ``delta = s + eta``: the same signal on a known object in
every sample, and fresh noise of variance one per channel everywhere.  Its gradient is
``g = sum_x m(x) delta(x) a(x)``, of shape (C,).  Masks are functions of delta; all of
them, and plain training, see the same samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import stdtrit
from torch import Tensor

from gradmask.lab.reports.stats import Interval, mean_interval

__all__ = [
    "Measured",
    "disc",
    "error_signals",
    "gain_interval",
    "simulate",
    "smooth_noise",
]

Rule = Callable[[Tensor], Tensor]
"""From error signals (B, C, H, W) to a mask (B, 1, H, W)."""

_CHUNK = 128


class Measured(NamedTuple):
    """What one mask did, with 95 % intervals.

    Attributes
    ----------
    hit_rate, false_alarm_rate, gain : Interval
        p, q and the factor on the signal-to-noise ratio; for q, positions count by
        the square of their activation.
    occupancy : float
        omega, the object's share of the noise that reaches the weights.
    fluctuation : float
        lambda times omega times the variance of the number of kept positions of the
        object, over their number.
    kept : Tensor
        Share of samples in which each position of the (H, W) map was kept.
    """

    hit_rate: Interval
    false_alarm_rate: Interval
    gain: Interval
    occupancy: float
    fluctuation: float
    kept: Tensor


def disc(radius: float, side: int = 28) -> Tensor:
    """Bool map (side, side), true within the radius of its middle position."""
    axis = torch.arange(side) - side // 2
    return axis.square()[:, None] + axis.square() <= radius**2


def error_signals(
    support: Tensor, strength: float, channels: int, noise: Tensor
) -> Tensor:
    """Add to noise (B, C, H, W) a signal of ``strength * channels`` energy on support.

    The signal is the same in every channel.
    """
    return noise[:, :channels] + math.sqrt(strength) * support


def smooth_noise(noise: Tensor, width: float) -> tuple[Tensor, float]:
    """Correlate white noise over positions, variance unchanged.

    Parameters
    ----------
    noise : Tensor
        White, of shape (B, C, H, W), on a torus.
    width : float
        Standard deviation, in pixels, of the Gaussian that it is filtered with.

    Returns
    -------
    noise : Tensor
        Of the same shape, with correlation ``exp(-r^2 / (4 width^2))``.
    area : float
        A, the sum of the correlation over all positions.
    """
    side = noise.shape[-1]
    axis = torch.arange(side, dtype=noise.dtype)
    distance = torch.minimum(axis, side - axis)
    bump = torch.exp(-(distance.square()[:, None] + distance.square()) / (2 * width**2))
    bump /= bump.norm()
    spectrum = torch.fft.rfft2(noise) * torch.fft.rfft2(bump)
    return torch.fft.irfft2(spectrum, s=noise.shape[-2:]), bump.sum().square().item()


def simulate(
    support: Tensor,
    strength: float,
    masks: Mapping[str, Rule],
    *,
    channels: int = 32,
    count: int = 1000,
    seed: int = 0,
    sample: Callable[[Tensor, float, int, Tensor], Tensor] = error_signals,
    activation: Tensor | float | Callable[[int], Tensor] = 1.0,
) -> dict[str, Measured]:
    """Draw gradients of the model and measure what each mask makes of them.

    Parameters
    ----------
    support : Tensor
        Bool map (H, W) of the object.
    strength : float
        lambda, the signal's energy over the noise's at a position of the object.
    masks : mapping of str to callable
        From error signals (B, C, H, W) to masks (B, 1, H, W).
    channels, count, seed : int
        Channels C, the number of samples, and the seed of their noise.
    sample : callable, default :func:`error_signals`
        From (support, strength, channels, white noise) to error signals.
    activation : Tensor, float or callable, default 1.0
        a: a map (H, W), the same everywhere, or drawn anew: from a number of samples
        to maps of shape (B, 1, H, W).

    Returns
    -------
    dict of str to Measured
        For every mask.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in masks}
    plain, power = [], torch.zeros(support.shape)
    for start in range(0, count, _CHUNK):
        size = min(_CHUNK, count - start)
        noise = torch.randn(size, channels, *support.shape, generator=generator)
        delta = sample(support, strength, channels, noise)
        read = activation(size) if callable(activation) else torch.as_tensor(activation)
        power += read.square().expand(size, 1, *support.shape).sum((0, 1))
        heard = delta * read
        plain.append(heard.sum((2, 3)))
        for name, rule in masks.items():
            mask = rule(delta)[:, 0].to(delta.dtype)
            drawn[name].append((mask, torch.einsum("bchw,bhw->bc", heard, mask)))
    occupancy = (power[support].sum() / power.sum()).item()
    weight = power[~support] / power[~support].mean()
    result = {}
    for name, parts in drawn.items():
        mask, gradients = (torch.cat(column) for column in zip(*parts, strict=True))
        on, beside = mask[:, support], mask[:, ~support]
        result[name] = Measured(
            mean_interval(on.mean(1).tolist()),
            mean_interval((beside * weight).mean(1).tolist()),
            gain_interval(gradients, torch.cat(plain)),
            occupancy,
            strength * occupancy * on.sum(1).var().item() / on.shape[1],
            mask.mean(0),
        )
    return result


def gain_interval(masked: Tensor, plain: Tensor, blocks: int = 20) -> Interval:
    """Ratio of two signal-to-noise ratios, paired by sample, with its 95 % interval.

    Parameters
    ----------
    masked, plain : Tensor
        Gradients of the same samples, of shape (B, D).
    blocks : int, default 20
        Of the jackknife that gives the interval; at most B.

    Returns
    -------
    Interval
        The estimate and the ends of its interval.
    """
    block = torch.arange(len(plain)) % blocks
    one_hot = F.one_hot(block).double()
    ratios = [_snr_without_each(g.double(), one_hot) for g in (masked, plain)]
    gain, *without = (ratios[0] / ratios[1]).tolist()
    error = float(np.std(without, ddof=1)) * (blocks - 1) / math.sqrt(blocks)
    reach = float(stdtrit(blocks - 1, 0.975)) * error
    return Interval(gain, gain - reach, gain + reach)


def _snr_without_each(gradients: Tensor, one_hot: Tensor) -> Tensor:
    """SNR of all gradients, then of those that remain without each block."""
    sums = one_hot.T @ gradients
    energies = one_hot.T @ gradients.square().sum(1)
    total = torch.cat([sums.sum(0, keepdim=True), sums.sum(0) - sums])
    energy = torch.cat([energies.sum()[None], energies.sum() - energies])
    n = torch.cat([one_hot.sum()[None], one_hot.sum() - one_hot.sum(0)])
    signal = (total.square().sum(1) - energy) / (n * (n - 1))
    return signal / (energy / n - signal)
