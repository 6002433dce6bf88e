"""Where a layer's signal and noise lie, and the gain that follows from it."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from gradmask.lab.measures.layers.contrast import object_share
from gradmask.lab.measures.layers.gradients import moments, sample_gradients
from gradmask.lab.measures.layers.signals import Signals

__all__ = ["Anatomy", "Regions", "noise_occupancy", "regional_gain", "regions"]


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
    """Measure signal, noise and single contributions on the object and outside it."""
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
    """Occupancy of the gain: the object's share of the activations' energy."""
    return object_share(signals.window(), on)
