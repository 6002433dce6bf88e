r"""A strength for every convolution, found by how well its masked gradient agrees.

Weights that lean on the error's energy help where energy means signal, and whether it
does can be measured.  Let :math:`g` be the plain weight gradient of a batch,
:math:`g + u` the masked one, and :math:`\alpha` the strength: what trains is
:math:`g + \alpha u`.  The expected drop of the loss grows with its agreement with the
true gradient, over the M batches that an optimiser with momentum averages,

.. math:: A(\alpha) = \frac{(a + \alpha b)^2}{a + 2 \alpha b + \alpha^2 c
          + (n_0 + 2 \alpha n_1 + \alpha^2 n_2) / M},

where a, b and c are the products of the means of g with g, g with u, and u with u, and
:math:`n_0, n_1, n_2` the same products of what fluctuates around them.  The numerator
of its derivative is linear in :math:`\alpha`, so that it is largest at

.. math:: \alpha^* = \frac{b\, n_0 - a\, n_1}{M (a c - b^2) + a\, n_2 - b\, n_1} .

Products of different batches estimate those of means without bias, whatever the
fluctuations.  All six are averaged over measurements.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["Steering", "best_strength"]

STEPS = 10.0
"""Steps that the optimiser averages, as at a momentum of 0.9."""

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
        self._collected: list[Tensor] = []
        self._products: Tensor | None = None
        self.strength: Tensor | None = None

    def between(self, plain: Tensor, masked: Tensor) -> Tensor:
        """Return what lies at this strength on the way from the plain to the masked."""
        if self.strength is None:
            return plain
        return plain + self.strength.to(plain.dtype) * (masked - plain)

    def collect(self, plain: Tensor, masked: Tensor) -> None:
        """Take the plain and the masked gradient of one batch, a part of a step."""
        pair = torch.stack((plain, masked - plain)).flatten(1)
        self._collected.append(pair.double())

    def settle(self) -> bool:
        """Learn from what was collected; say whether it was more than one batch."""
        pairs, self._collected = self._collected, []
        if (parts := len(pairs)) < 2:
            return False
        new = products(torch.stack(pairs))
        old = self._products
        self._products = new if old is None else MEMORY * old + (1 - MEMORY) * new
        best = best_strength(self._products, STEPS * parts).clamp(*self._bounds)
        if self.strength is None:
            self.strength = best
        else:
            self.strength.copy_(best)  # which a captured step reads
        return True


def products(pairs: Tensor) -> Tensor:
    """Estimate a, b, c and the three of fluctuations from pairs (g, u) of batches.

    Takes shape (K, 2, P) with K at least 2, of P weights; returns shape (6,).
    """
    count = len(pairs)
    total = pairs.sum(0)
    each = (pairs @ pairs.mT).mean(0)
    means = (total @ total.mT - count * each) / (count * (count - 1))
    first, second = [0, 0, 1], [0, 1, 1]
    return torch.cat((means[first, second], (each - means)[first, second]))


def best_strength(products: Tensor, batches: float) -> Tensor:
    """Strength of largest agreement over M batches, given the six products.

    Zero where no gradient is to be seen (a is not positive), and where the agreement
    has no maximum.
    """
    a, b, c, n0, n1, n2 = products
    slope = b * n0 - a * n1
    bend = batches * (a * c - b * b).clamp(min=0) + a * n2 - b * n1
    return torch.where((a > 0) & (bend > 0), slope / bend, 0)
