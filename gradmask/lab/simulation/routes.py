"""Two masks on the signal route: errors pass a mask, a random convolution, and a mask.

The convolutions are 3 by 3, with independent normal weights that preserve the energy
of noise, so a position hands its energy to its nine neighbours in equal parts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from gradmask import gradient_mask
from gradmask.functional import lateral_mask
from gradmask.lab.reports.stats import Interval
from gradmask.lab.simulation.gradients import error_signals, gain_interval

__all__ = ["TwoMasks", "joint_gain", "pass_two_masks", "pattern_mask"]

_CHUNK = 128


class TwoMasks(NamedTuple):
    """What :func:`pass_two_masks` returns.

    Attributes
    ----------
    gain : Interval
        Of the gradient below both masks, over the one without any.
    first, second : Tensor, shape (count, H, W)
        The masks.
    """

    gain: Interval
    first: Tensor
    second: Tensor


def pass_two_masks(
    support: Tensor,
    strength: float,
    kernel: Tensor,
    *,
    channels: int = 32,
    count: int = 1000,
    seed: int = 0,
    blind: bool = False,
) -> TwoMasks:
    """Mask error signals, send them down through one random convolution, mask again.

    Parameters
    ----------
    support : Tensor
        Bool map (H, W) of the object, away from the border.
    strength : float
        lambda, the signal's energy over the noise's at a position of the object.
    kernel : Tensor
        Of both masks, whose threshold is zero.
    channels, count, seed : int
        Channels C, the number of samples, and the seed of weights and noise.
    blind : bool, default False
        Whether every sample has both masks from another sample.

    Returns
    -------
    TwoMasks
        The gain and the masks.
    """
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(channels, channels, 3, 3, generator=generator)
    weight /= math.sqrt(9 * channels)
    masks, plain, masked = [], [], []
    for start in range(0, count, _CHUNK):
        size = min(_CHUNK, count - start)
        noise = torch.randn(size, channels, *support.shape, generator=generator)
        delta = error_signals(support, strength, channels, noise)
        first = gradient_mask(delta, kernel).float()
        below = F.conv2d(first * delta, weight, padding=1)
        second = gradient_mask(below, kernel).float()
        if blind:
            first, second = first.roll(1, 0), second.roll(1, 0)
            below = F.conv2d(first * delta, weight, padding=1)
        masks.append(torch.cat([first, second], 1))
        masked.append((second * below).sum((2, 3)))
        plain.append(F.conv2d(delta, weight, padding=1).sum((2, 3)))
    first, second = torch.cat(masks).unbind(1)
    return TwoMasks(gain_interval(torch.cat(masked), torch.cat(plain)), first, second)


def joint_gain(
    first: Tensor, second: Tensor, support: Tensor, strength: float
) -> float:
    r"""Gain of two masks by the rates at which both keep the two ends of a path.

    .. math:: \frac{\frac19 \sum_o p_o^2}{D}, \qquad
              p_o = \mathrm{P}(m_1(y) = 1, m_2(y + o) = 1)

    for offsets o of a 3 by 3 convolution, with D the share of the noise that passes
    both masks and what the masks add by varying.

    Parameters
    ----------
    first, second : Tensor, shape (count, H, W)
        The masks of samples.
    support : Tensor
        Bool map (H, W) of the object, away from the border.
    strength : float
        lambda.
    """
    height, width = support.shape
    framed = F.pad(second, (1, 1, 1, 1))
    inside = F.pad(torch.ones_like(second[:1]), (1, 1, 1, 1))
    signal = kept = everything = 0.0
    for row in range(3):
        for column in range(3):
            place = ..., slice(row, row + height), slice(column, column + width)
            both = first * framed[place]
            hits = both[:, support].sum(1)
            signal += (hits.mean() / support.sum()).square().item()
            kept += both.sum((1, 2)).mean().item() + strength * hits.var().item()
            everything += inside[place].sum().item()
    return signal / 9 * everything / kept


def pattern_mask(first: Tensor, kernel: Tensor) -> Tensor:
    """Second mask that the first one alone would cause, were there very many channels.

    Parameters
    ----------
    first : Tensor, shape (count, H, W)
        Bits of the first mask.
    kernel : Tensor
        Of the second mask.
    """
    spread = F.avg_pool2d(F.pad(first[:, None], (1, 1, 1, 1)), 3, 1)
    return lateral_mask(spread.sqrt(), kernel)[:, 0].to(first.dtype)
