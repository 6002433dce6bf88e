r"""A strength for every convolution, found by how well its masked gradient agrees.

Weights that lean on the error's energy help where energy means signal, and whether it
does can be measured.  Let :math:`g` be the plain weight gradient of half a batch,
:math:`g + u` the masked one, and :math:`\alpha` the strength: what trains is
:math:`g + \alpha u`.  The expected drop of the loss grows with its agreement with the
true gradient, over the M half batches that an optimiser with momentum averages,

.. math:: A(\alpha) = \frac{(a + \alpha b)^2}{a + 2 \alpha b + \alpha^2 c
          + (n_0 + 2 \alpha n_1 + \alpha^2 n_2) / M},

where a, b and c are the products of the means of g with g, g with u, and u with u, and
:math:`n_0, n_1, n_2` the same products of what fluctuates around them.  The numerator
of its derivative is linear in :math:`\alpha`, so that it is largest at

.. math:: \alpha^* = \frac{b\, n_0 - a\, n_1}{M (a c - b^2) + a\, n_2 - b\, n_1} .

A product of two halves of a batch estimates one of means without bias, a product of
their differences one of fluctuations.  All six are averaged over measurements.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["Steering", "best_strength"]

EVERY = 20
"""Backward passes from one measurement to the next."""

HALVES = 20.0
"""Half batches that the optimiser averages: ten batches, as at a momentum of 0.9."""

MEMORY = 0.9
"""Weight of what was measured before in the running averages."""


class Steering:
    """The strength of the mask at one convolution.

    Attributes
    ----------
    strength : Tensor or None
        The strength, a number; None before the first measurement, when it is zero.
    """

    def __init__(self, bounds: tuple[float, float]) -> None:
        self._bounds = bounds
        self._passes = 0
        self._products: Tensor | None = None
        self.strength: Tensor | None = None

    def due(self) -> bool:
        """Count a backward pass, and say whether it is to be measured."""
        self._passes += 1
        return self._passes % EVERY == 1

    def between(self, plain: Tensor, masked: Tensor) -> Tensor:
        """Return what lies at this strength on the way from the plain to the masked."""
        if self.strength is None:
            return plain
        return plain + self.strength.to(plain.dtype) * (masked - plain)

    def measure(
        self, plain: tuple[Tensor, Tensor], masked: tuple[Tensor, Tensor]
    ) -> None:
        """Learn from the plain and the masked gradients of two halves of a batch."""
        (g, h), (u, v) = plain, (m - p for m, p in zip(masked, plain, strict=True))
        g, h, u, v = (t.flatten().double() for t in (g, h, u, v))
        mean = torch.stack((g @ h, (g @ v + u @ h) / 2, u @ v))
        p, q = g - h, u - v
        fluctuation = torch.stack((p @ p, p @ q, q @ q)) / 2
        new = torch.cat((mean, fluctuation))
        old = self._products
        self._products = new if old is None else MEMORY * old + (1 - MEMORY) * new
        self.strength = best_strength(self._products, HALVES).clamp(*self._bounds)


def best_strength(products: Tensor, halves: float) -> Tensor:
    """Strength of largest agreement, given a, b, c and the three fluctuations.

    Zero where no gradient is to be seen (a is not positive); without limit, with the
    sign of the slope at zero, where the agreement has no maximum.
    """
    a, b, c, n0, n1, n2 = products
    slope = b * n0 - a * n1
    bend = halves * (a * c - b * b).clamp(min=0) + a * n2 - b * n1
    best = torch.where(
        bend > 0, slope / bend, torch.copysign(slope.new_tensor(torch.inf), slope)
    )
    return torch.where((a > 0) & best.isnan().logical_not(), best, 0)
