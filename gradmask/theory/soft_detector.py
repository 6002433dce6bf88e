r"""The best mask on a map: what the lateral response says of a known object.

As :mod:`gradmask.theory.detector` does for a mask of bits.  The observation is the
lateral response, in units of tau.  It is nearly normal at every position, so its
densities on the object and outside it are mixtures of normal densities.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gradmask.theory._broadcast import density
from gradmask.theory._response import as_object, response_to
from gradmask.theory.soft import soft_gain, wiener_factor

__all__ = ["SoftPrediction", "predict_soft_gain"]

_LEVELS = 1201


class SoftPrediction(NamedTuple):
    """What :func:`predict_soft_gain` returns.

    Attributes
    ----------
    level : Tensor, shape (L,)
        Responses, evenly spaced.
    relative : Tensor, shape (L,)
        The posterior over the occupancy at each of them.
    variance, fluctuation : float
        V and phi_1, the arguments of :func:`soft_gain`.
    """

    level: Tensor
    relative: Tensor
    variance: float
    fluctuation: float

    @property
    def factor(self) -> float:
        """Alpha, how far the best weights follow the posterior."""
        return wiener_factor(self.variance, self.fluctuation)

    @property
    def gain(self) -> float:
        """The factor on the signal-to-noise ratio."""
        return soft_gain(self.variance, self.fluctuation)

    def weights(self, response: Tensor) -> Tensor:
        """Weights of the best mask, for responses of any shape, in units of tau."""
        return 1 + self.factor * (_look_up(self.level, self.relative, response) - 1)


def predict_soft_gain(
    kernel: Tensor, support: Any, strength: float, channels: int
) -> SoftPrediction:
    r"""What the best weighing by the lateral response gains for a known object.

    .. math:: \gamma = 1 + \frac{V^2}{V + \varphi_1}

    with V of :func:`posterior_variance` for the response's densities on the object and
    outside it, and the fluctuation of weights that neighbours share.  It is what a
    mask could gain that knew the object's shape and strength, but not its place.

    Parameters
    ----------
    kernel, support, strength, channels
        As in :func:`predict_gain`, and so are the errors; the strength positive.

    Returns
    -------
    SoftPrediction
        A named tuple of the posterior, V and the fluctuation, with the properties
        ``factor`` and ``gain`` and the method ``weights``.

    Notes
    -----
    For weights that do not look at the noise that they weigh, as
    :func:`snr_gain` without selection.

    Examples
    --------
    >>> from gradmask import laplacian_of_gaussian
    >>> support = torch.zeros(15, 15)
    >>> support[6:9, 6:9] = 1
    >>> soft = predict_soft_gain(laplacian_of_gaussian(1.4), support, 0.2, channels=32)
    >>> round(soft.factor, 2), round(soft.gain, 2)
    (0.89, 3.04)
    """
    response = response_to(kernel, as_object(support), strength, channels)
    on, mean, spread = response.support, response.mean, response.spread
    rows = response.weights[on] / spread[on, None]
    correlation = ((rows * response.energy_variance) @ rows.T).clamp(-1, 1)

    ends = (mean - 9 * spread).min().item(), (mean + 9 * spread).max().item()
    level = torch.linspace(*ends, _LEVELS, dtype=torch.float64)
    normal = density((level[:, None] - mean) / spread) / spread
    occupancy = on.double().mean()
    object_density, rest = normal[:, on].mean(1), normal[:, ~on].mean(1)
    everywhere = occupancy * object_density + (1 - occupancy) * rest
    relative = object_density / everywhere
    posterior_variance = torch.trapezoid(
        everywhere * (relative - 1).square(), level
    ).item()
    total = _sum_variance(level, relative, mean[on], spread[on], correlation)
    fluctuation = strength * total / on.numel()
    return SoftPrediction(level, relative, posterior_variance, fluctuation)


def _sum_variance(
    level: Tensor, relative: Tensor, mean: Tensor, spread: Tensor, correlation: Tensor
) -> float:
    """Variance of a sum of functions of correlated normal variables, by Mehler.

    In Hermite polynomials the covariance of two functions is a power series of their
    correlation.
    """
    nodes, masses = _normal_quadrature(64)
    values = _look_up(level, relative, mean[:, None] + spread[:, None] * nodes)
    power, polynomial, before = correlation, nodes, torch.ones_like(nodes)
    total = 0.0
    for order in range(1, 32):
        coefficient = values @ (polynomial * masses)
        total += (coefficient @ power @ coefficient).item()
        following = (nodes * polynomial - order**0.5 * before) / (order + 1) ** 0.5
        power, polynomial, before = power * correlation, following, polynomial
    return total


def _normal_quadrature(count: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights of Gauss's rule for a normal variable, by Golub and Welsch."""
    recurrence = torch.arange(1, count, dtype=torch.float64).sqrt()
    nodes, vectors = torch.linalg.eigh(recurrence.diag(1) + recurrence.diag(-1))
    return nodes, vectors[0].square()


def _look_up(level: Tensor, value: Tensor, x: Tensor) -> Tensor:
    """Interpolate linearly between evenly spaced levels, flat beyond them."""
    step = (level[-1] - level[0]) / (len(level) - 1)
    place = ((x - level[0]) / step).clamp(0, len(level) - 1)
    below = place.floor().long().clamp(max=len(level) - 2)
    share = place - below
    return torch.lerp(value[below].to(share), value[below + 1].to(share), share)
