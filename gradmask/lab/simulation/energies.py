"""Monte-Carlo of the analysis's model by two numbers a position, whatever its channels.

A lateral mask sees the energy alone, and of the noise it matters how much lies along
the signal and how much across.  So a position takes one normal and one gamma variable
instead of C normal ones, and accuracy is cheap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from scipy.special import stdtrit
from torch import Tensor

from gradmask.functional import lateral_mask
from gradmask.lab.reports.stats import Interval

__all__ = ["SHAPES", "lateral_gains", "object_of"]

SHAPES = ("L", "annulus", "corner", "square", "two squares")
"""Objects that are no discs (:func:`object_of`)."""

_CHUNK = 500


def object_of(shape: str, height: int, width: int) -> Tensor:
    """Bool map (height, width) of an object about seven positions wide.

    Raises
    ------
    ValueError
        If the shape is none of :data:`SHAPES`.
    """
    if shape not in SHAPES:
        raise ValueError(f"shape must be one of {', '.join(SHAPES)}, got {shape!r}")
    y = torch.arange(height)[:, None] - height // 2
    x = torch.arange(width) - width // 2
    if shape == "L":
        upright = (y >= -5) & (y < 5) & (x >= -4) & (x < 0)
        return upright | (y >= 2) & (y < 5) & (x >= -4) & (x < 5)
    if shape == "annulus":
        return (y**2 + x**2 > 3**2) & (y**2 + x**2 <= 6**2)
    if shape == "corner":
        return (y < 6 - height // 2) & (x < 7 - width // 2)
    if shape == "square":
        return (y.abs() <= 3) & (x.abs() <= 3)
    return ((y + 5).abs() <= 2) & ((x + 6).abs() <= 2) | (
        ((y - 5).abs() <= 2) & ((x - 6).abs() <= 2)
    )


def lateral_gains(
    kernel: Tensor,
    support: Tensor,
    strength: float,
    channels: int,
    thresholds: Sequence[float],
    *,
    count: int = 1000,
    seed: int = 0,
) -> list[Interval]:
    """Gain of a lateral mask at each threshold, with 95 % intervals.

    Parameters
    ----------
    kernel, support, strength, channels
        As of :func:`gradmask.theory.predict_gain`.
    thresholds : sequence of float
        They see the same samples.
    count, seed : int
        The number of samples, and the seed of their noise.
    """
    generator = torch.Generator().manual_seed(seed)
    length = math.sqrt(strength * channels)
    drawn: list[list[Tensor]] = [[] for _ in thresholds]
    for start in range(0, count, _CHUNK):
        shape = (min(_CHUNK, count - start), *support.shape)
        along = torch.randn(shape, generator=generator) + length * support
        half = torch.full(shape, (channels - 1) / 2)
        across = torch.zeros(shape)
        if channels > 1:
            across = 2 * torch._standard_gamma(half, generator=generator)
        energy = (along.square() + across).sqrt()[:, None]
        noise = across + along.square() * ~support
        for threshold, parts in zip(thresholds, drawn, strict=True):
            mask = lateral_mask(energy, kernel, threshold)[:, 0]
            kept = [(mask * along)[:, support].sum(1), (mask * noise).sum((1, 2))]
            parts.append(torch.stack(kept).double())
    plain = strength * int(support.sum()) ** 2 / support.numel()
    return [_gain(torch.cat(parts, 1), plain) for parts in drawn]


def _gain(drawn: Tensor, plain: float, blocks: int = 20) -> Interval:
    """Jackknife, over blocks, the ratio of what was drawn to the plain quality."""
    block = torch.arange(drawn.shape[1]) % blocks

    def gain(drawn: Tensor) -> float:
        signal, noise = drawn
        quality = signal.mean().square() / (signal.var() + noise.mean())
        return float(quality) / plain

    mean = gain(drawn)
    without = torch.tensor([gain(drawn[:, block != i]) for i in range(blocks)])
    error = without.double().std().item() * (blocks - 1) / math.sqrt(blocks)
    reach = float(stdtrit(blocks - 1, 0.975)) * error
    return Interval(mean, mean - reach, mean + reach)
