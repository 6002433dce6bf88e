"""What a mask does to one layer's weight gradients: measured from single samples.

On the weights route, where layers do not disturb each other; the gain is that of the
signal-to-noise ratio Q / (1 - Q), with Q as :func:`gradmask.quality.gradient_quality`
has it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from gradmask.lab.measures.layers.contrast import Signals, energy_share

__all__ = [
    "GainEstimate",
    "Moments",
    "Rates",
    "Regions",
    "estimate_gain",
    "input_patches",
    "mask_rates",
    "moments",
    "regional_gain",
    "regions",
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
    stderr = math.sqrt(len(logs) - 1) * logs.std(correction=0).item()
    gain = signal / noise if positive else math.nan
    both = plain_grads.sum(0) @ masked_grads.sum(0) - (plain_grads * masked_grads).sum()
    pairs = len(plain_grads) * (len(plain_grads) - 1)
    along = both.item() / pairs / plain.signal().item()
    return GainEstimate(gain, stderr, signal, noise, along)


class Rates(NamedTuple):
    """What a mask keeps at a layer, over all samples together.

    Attributes
    ----------
    hit, false_alarm : float
        Shares of the positions kept on the object and beside it: p and q.
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
        ((power * kept)[on].sum() / power[on].sum()).item(),
        ((power * kept)[~on].sum() / power[~on].sum()).item(),
    )


class Regions(NamedTuple):
    """Squared norms: of the whole gradient, of the object's part, of the rest."""

    whole: float
    on: float
    beside: float

    def kept(self, p: float, q: float) -> float:
        """Squared norm of p times the object's part plus q times the rest."""
        both = self.whole - self.on - self.beside
        return p * p * self.on + q * q * self.beside + p * q * both


class Anatomy(NamedTuple):
    """Where a layer's signal and noise lie, and the energy of single positions."""

    signal: Regions
    noise: Regions
    energy: Regions


def regions(signals: Signals, patches: Tensor, on: Tensor) -> Anatomy:
    """Measure signal, noise and single contributions on the object and beside it."""
    parts = [moments(sample_gradients(signals, patches, m)) for m in (None, on, ~on)]
    power = signals.energy("contribution").double().square()
    energies = [(power * m).sum().item() / len(power) for m in (on | ~on, on, ~on)]
    return Anatomy(
        Regions(*(part.signal().item() for part in parts)),
        Regions(*(part.noise().item() for part in parts)),
        Regions(*energies),
    )


def regional_gain(p: float, q: float, anatomy: Anatomy) -> float:
    r"""Gain of independent bits, wherever the signal lies, however noise is correlated.

    The gradient is the sum of the object's part and the rest, of which the mask keeps p
    and q in the mean; what the bits fluctuate about their mean adds r (1 - r) times the
    energy of the single positions:

    .. math:: \frac{S(p, q) / S(1, 1)}{\big(N(p, q) + p (1 - p) E_\Omega
              + q (1 - q) E_{\bar\Omega}\big) / N(1, 1)}, \qquad
              S(p, q) = p^2 S_\Omega + q^2 S_{\bar\Omega}
              + p q\, (S - S_\Omega - S_{\bar\Omega}),

    and N likewise.  With all signal on the object and independent noise it is
    :func:`gradmask.theory.snr_gain`.
    """
    signal, noise, energy = anatomy
    fluctuation = p * (1 - p) * energy.on + q * (1 - q) * energy.beside
    kept_noise = (noise.kept(p, q) + fluctuation) / noise.whole
    return signal.kept(p, q) / signal.whole / kept_noise


def noise_occupancy(signals: Signals, on: Tensor) -> float:
    """Pi of proposition 1: the object's share of the activations' energy."""
    return energy_share(signals.window(), on)
