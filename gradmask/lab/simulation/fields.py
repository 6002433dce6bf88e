"""What lateral quality should read: on fields without structure, and on an object.

Error signals are drawn as in :mod:`gradmask.lab.simulation.gradients`: noise of unit
variance in C channels, a signal of energy lambda C at every position of an object.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from gradmask.theory import detectability_map, energy_moments, hit_rate, predict_gain

__all__ = [
    "FIELDS",
    "by_energy",
    "contrast",
    "kept_share",
    "null_contrast",
    "predict_quality",
]


def _gaussian(shape: tuple[int, ...], generator: Generator) -> Tensor:
    return torch.randn(shape, generator=generator)


def _heavy_tailed(shape: tuple[int, ...], generator: Generator) -> Tensor:
    volume = torch.randn((shape[0], 1, *shape[2:]), generator=generator).exp()
    return _gaussian(shape, generator) * volume


def _gated(shape: tuple[int, ...], generator: Generator) -> Tensor:
    return _gaussian(shape, generator) * (torch.rand(shape, generator=generator) < 0.1)


def _anisotropic(shape: tuple[int, ...], generator: Generator) -> Tensor:
    volume = torch.arange(1.0, 1 + shape[1])[:, None, None] ** -1.0
    return _gaussian(shape, generator) * volume


FIELDS: dict[str, Callable[[tuple[int, ...], Generator], Tensor]] = {
    "Gaussian": _gaussian,
    "heavy-tailed": _heavy_tailed,
    "gated": _gated,
    "anisotropic": _anisotropic,
}
"""Noises without spatial structure, by name: from a shape (B, C, H, W) to a field.

In the heavy-tailed one every position has a log-normal volume of its own, in the gated
one nine numbers in ten are zero, and in the anisotropic one few channels dominate.
"""


def contrast(energy: Tensor, kept: Tensor) -> Tensor:
    """Contrast of squared energy between what is kept and what is rejected.

    Parameters
    ----------
    energy : Tensor
        Map of shape (B, 1, H, W).
    kept : Tensor
        Of the same shape: a mask, neither empty nor full, or probabilities, by which
        every position counts on either side in part.

    Returns
    -------
    Tensor
        ``(A - B) / (A + B)`` of shape (B,), A and B the means over both sides.
    """
    kept, power = kept.to(energy), energy.square()
    loud, quiet = (
        (power * part).sum((1, 2, 3)) / part.sum((1, 2, 3)) for part in (kept, 1 - kept)
    )
    return (loud - quiet) / (loud + quiet)


def kept_share(energy: Tensor, kernel: Tensor, threshold: float = 0.0) -> Tensor:
    r"""Probability that a position of given energy is kept, if its place is random.

    .. math:: P(m = 1 \mid e) \approx
              \Phi\Big(\frac{\rho_c z - \theta}{\sqrt{1 - \rho_c^2}}\Big),
              \qquad z = \frac{e - \bar e}{\sigma_e}

    with mean and deviation of the energy over the map, and rho_c the central weight of
    a balanced kernel of unit norm.

    Parameters
    ----------
    energy : Tensor
        Map of shape (B, 1, H, W).
    kernel : Tensor
        Balanced, of unit norm.
    threshold : float, default 0.0
        As of :func:`gradmask.functional.lateral_mask`.

    Returns
    -------
    Tensor
        Of the map's shape.
    """
    centre = kernel.max()
    deviation, mean = torch.std_mean(energy, (2, 3), correction=0, keepdim=True)
    z = (energy - mean) / deviation
    spread = (1 - centre.square()).sqrt()
    kept: Tensor = torch.special.ndtr((centre * z - threshold) / spread)
    return kept


def by_energy(
    energy: Tensor, kept: Tensor, predicted: Tensor, bins: int = 16
) -> dict[str, list[float]]:
    """Average positions in groups of equal size, from the least energy to the most.

    Parameters
    ----------
    energy, kept, predicted : Tensor
        Of one shape: energies, whether they were kept, and the formula's probabilities.
    bins : int, default 16
        Number of groups; positions without energy belong to none.

    Returns
    -------
    dict of str to list of float
        Of each group the means: "energy", in standard deviations from the mean of all;
        "kept" and "predicted".
    """
    energy, kept, predicted = (x.flatten().double() for x in (energy, kept, predicted))
    order = energy.argsort()
    groups = order[energy[order] > 0].chunk(bins)
    z = (energy - energy.mean()) / energy.std()
    columns = {"energy": z, "kept": kept, "predicted": predicted}
    return {
        name: [values[group].mean().item() for group in groups]
        for name, values in columns.items()
    }


def null_contrast(energy: Tensor, kernel: Tensor, threshold: float = 0.0) -> Tensor:
    """Contrast to expect of a map whose positions are shuffled, without shuffling.

    Parameters are those of :func:`kept_share`; the result has shape (B,).
    """
    return contrast(energy, kept_share(energy, kernel, threshold))


def predict_quality(
    kernel: Tensor, support: Tensor, strength: float, channels: int
) -> tuple[float, float]:
    r"""Lateral quality of an object in noise at threshold zero, and the true gain.

    The contrast follows from the rates at which positions, and their energies, are
    kept on the object and outside it; that of the shuffled map, to first order, is

    .. math:: c_0 \approx \frac{4 \rho_c}{\sqrt{2 \pi}}\,
              \frac{\bar e\, \sigma_e}{\overline{e^2}}.

    With :math:`y = (c - c_0)/(1 - c_0)`, seven shuffles make of it
    :math:`7 y / (8 - y)`.

    Parameters
    ----------
    kernel, support, strength, channels
        As of :func:`gradmask.theory.predict_gain`; the kernel balanced and of unit
        norm.

    Returns
    -------
    quality, gain : float
        The gain is that of :func:`gradmask.theory.predict_gain`.
    """
    kept = hit_rate(detectability_map(kernel, support, strength, channels), 0.0)
    p, q = kept[support].mean().item(), kept[~support].mean().item()
    selected = predict_gain(kernel, support, strength, channels)
    pi = selected.occupancy

    count = pi * p + (1 - pi) * q
    energy = 1 + pi * strength
    kept_energy = pi * (1 + strength) * selected.hit_rate
    kept_energy += (1 - pi) * selected.false_alarm_rate
    loud, quiet = kept_energy / count, (energy - kept_energy) / (1 - count)
    c = (loud - quiet) / (loud + quiet)

    share = torch.tensor([1 - pi, pi], dtype=torch.float64)
    means, variances = energy_moments([0.0, strength], channels)
    mean = (share * means).sum()
    deviation = (share * (variances + (means - mean).square())).sum().sqrt()
    slope = 4 * kernel.max() / math.sqrt(2 * math.pi)
    c0 = (slope * mean * deviation / (channels * energy)).item()

    y = (c - c0) / (1 - c0)
    return 7 * y / (8 - y), selected.gain
