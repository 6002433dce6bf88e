"""Weight gradients of single samples at one convolution, and their moments."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from gradmask.lab.measures.layers.signals import Signals

__all__ = [
    "Moments",
    "input_patches",
    "jackknife_stderr",
    "moments",
    "sample_gradients",
]


class Moments(NamedTuple):
    """Squared norms of B gradients and their inner products with the sum, (B,) each."""

    norms: Tensor
    products: Tensor

    def signal(self, without_one: bool = False) -> Tensor:
        """Unbiased ||E g||^2; without_one: B estimates, each without one sample."""
        b, norms, total = self._sums(without_one)
        return (total - norms) / (b * (b - 1))

    def noise(self, without_one: bool = False) -> Tensor:
        """Unbiased E||g - E g||^2."""
        b, norms, _ = self._sums(without_one)
        return norms / b - self.signal(without_one)

    def _sums(self, without_one: bool) -> tuple[int, Tensor, Tensor]:
        norms, total = self.norms.sum(), self.products.sum()
        if not without_one:
            return len(self.norms), norms, total
        total = total - 2 * self.products + self.norms
        return len(self.norms) - 1, norms - self.norms, total


def input_patches(signals: Signals) -> Tensor:
    """Input of a convolution under its window at every position.

    Returns
    -------
    Tensor
        Shape (B, G, K, P): groups, weights of one output channel, positions.
    """
    conv = signals.conv
    assert isinstance(conv.padding, tuple)
    patches = F.unfold(
        signals.activation,
        conv.kernel_size,
        dilation=conv.dilation,
        padding=conv.padding,
        stride=conv.stride,
    )
    return patches.view(len(patches), conv.groups, -1, patches.shape[-1])


def sample_gradients(
    signals: Signals, patches: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Gradient of a convolution's weight for every sample, flattened.

    Parameters
    ----------
    signals : Signals
        What meets at the convolution.
    patches : Tensor
        :func:`input_patches` of it, shape (B, G, K, P).
    mask : Tensor, optional
        (B, 1, H, W), applied to the error that the weights see.

    Returns
    -------
    Tensor
        Shape (B, number of weights).
    """
    delta = signals.delta if mask is None else signals.delta * mask
    delta = delta.flatten(2).unflatten(1, (patches.shape[1], -1))
    grads: Tensor = delta @ patches.transpose(2, 3)
    return grads.flatten(1)


def moments(grads: Tensor) -> Moments:
    """Moments of per-sample gradients of shape (B, D)."""
    return Moments((grads * grads).sum(1).double(), (grads @ grads.sum(0)).double())


def jackknife_stderr(without_one: Tensor) -> float:
    """Standard error of an estimate, from its values without one sample each, (B,)."""
    return math.sqrt(len(without_one) - 1) * without_one.std(correction=0).item()
