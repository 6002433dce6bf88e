"""Soft weights: they lean on a lateral response as far as it is more than chance."""

from __future__ import annotations

import torch
from torch import Tensor

from gradmask.functional._numerics import (
    at_least_float32,
    kept,
    rounding_error,
    with_float64,
)
from gradmask.functional.masks import lateral_response

__all__ = ["lateral_weights", "rearrange"]

OCCUPANCY = 0.1
"""The share of a map that :func:`lateral_weights` supposes an object to cover.

In the model an object of 6 % of a map gains at least nine tenths of the optimum, one
of 4 % or of 14 % eight tenths, one of 2 % half of it.
"""

_SPREADS_OF_CHANCE = 2.0


def lateral_weights(energy: Tensor, kernel: Tensor, strength: float = 1.0) -> Tensor:
    r"""Weigh the positions of an energy map by the odds that they hold an object.

    The response :math:`r = k * e` of a map whose positions are shuffled has mean zero
    and a variance that is known: that of the energy over the map times the kernel's
    mean squared norm.  In units of this null, y, a position that holds an object of
    detectability d is taken to be normal around d, and any other around zero.  Then a
    weight proportional to the posterior probability of an object,

    .. math:: w(x) \propto \frac{1}{\omega + (1 - \omega)\, e^{d^2/2 - d\, y(x)}},

    is the best (:func:`gradmask.theory.soft_gain`).  The occupancy
    :math:`\omega` is set to a tenth, and d follows from how much more the response
    varies than its null, over all samples of the batch:

    .. math:: d^2 = \frac{1}{\omega}
              \max\Big(0,\ \overline{y^2} - 1 - 2\, \mathrm{se}\Big),

    with se the standard error of that mean over samples.  No sample's d exceeds its
    largest y.  Where the response is no more than chance, d is zero and every weight
    is one.

    Parameters
    ----------
    energy : Tensor
        Map of shape (B, 1, H, W).
    kernel : Tensor
        Odd square kernel of sum zero.
    strength : float, default 1.0
        How far to go from plain training to these weights:
        ``1 + strength * (w - 1)``.  Below zero it prefers what they reject.

    Returns
    -------
    Tensor
        Weights of shape (B, 1, H, W), of mean one over every sample, in float32 for
        half-precision maps.  A sample that is flat or not finite has weights of one
        and no influence on the others; so has every sample of a batch of one, whose
        response cannot be distinguished from chance.

    Raises
    ------
    ValueError
        As :func:`gradmask.functional.lateral_response`.

    Examples
    --------
    Sixteen maps with an object each; the weights gather on it:

    >>> from gradmask import laplacian_of_gaussian
    >>> energy = 5 + torch.randn(16, 1, 15, 15, generator=torch.manual_seed(0))
    >>> energy[..., 6:9, 6:9] += 2
    >>> weights = lateral_weights(energy, laplacian_of_gaussian(1.4))
    >>> round(weights.mean().item(), 2), round(weights[..., 6:9, 6:9].mean().item(), 1)
    (1.0, 8.8)
    """
    if energy.numel() == 0:
        return energy
    energy = at_least_float32(energy)
    response = lateral_response(energy, kernel)
    heard = response.abs().amax((2, 3), keepdim=True) > rounding_error(energy, kernel)
    known = heard & energy.isfinite().all(3, keepdim=True).all(2, keepdim=True)
    null = energy.var((2, 3), keepdim=True) * _squared_norm(kernel, *energy.shape[2:])
    y = (response / null.sqrt()).masked_fill(~known, 0)
    d = _detectability(y.square().mean((1, 2, 3)), known.flatten())
    d = d.minimum(y.amax((2, 3), keepdim=True))
    odds = OCCUPANCY + (1 - OCCUPANCY) * torch.exp(d * (d / 2 - y))
    weights = odds.reciprocal()
    return 1 + strength * (weights / weights.mean((2, 3), keepdim=True) - 1)


def rearrange(weights: Tensor, score: Tensor) -> Tensor:
    """Give the weights of every sample to its positions in the order of a score.

    The controls of :func:`lateral_weights`, as
    :func:`gradmask.functional.keep_largest` makes those of a mask: with random scores
    the same weights at random places, with the energy as score by energy alone.

    Parameters
    ----------
    weights : Tensor
        Of shape (B, 1, H, W).
    score : Tensor
        Map of the same shape; the position of largest score gets the largest weight.

    Returns
    -------
    Tensor
        Of shape (B, 1, H, W).

    Examples
    --------
    >>> weights = torch.tensor([[[[0.5, 2.0, 0.5]]]])
    >>> rearrange(weights, torch.tensor([[[[3.0, 1.0, 2.0]]]]))
    tensor([[[[2.0000, 0.5000, 0.5000]]]])
    """
    order = score.flatten(1).argsort(dim=1, descending=True, stable=True)
    falling = weights.flatten(1).sort(dim=1, descending=True).values
    return falling.scatter(1, order, falling).view_as(weights)


def _detectability(power: Tensor, known: Tensor) -> Tensor:
    """What the mean squared response of the known samples says about d."""
    count = known.sum()
    mean = (power * known).sum() / count
    variance = ((power - mean).square() * known).sum() / (count - 1)
    excess = mean - 1 - _SPREADS_OF_CHANCE * (variance / count).sqrt()
    return (excess.nan_to_num(0, 0, 0).clamp(min=0) / OCCUPANCY).sqrt()


@kept
def _squared_norm(kernel: Tensor, height: int, width: int) -> Tensor:
    """Mean over positions of the squared weights with which a map enters a response.

    One for a kernel of unit norm, and more at a border, whose reflection gives some
    positions two weights of the kernel.
    """
    exact = kernel.to(with_float64(kernel.device), torch.float64)
    rows, columns = (_coincidences(len(kernel), n).to(exact) for n in (height, width))
    total = (rows * (exact @ columns @ exact.mT)).sum()
    return (total / (height * width)).to(kernel)


def _coincidences(size: int, n: int) -> Tensor:
    """How often two of a kernel's rows fall on the same row of a map of n."""
    rows = torch.arange(n)[:, None] + torch.arange(size) - size // 2
    rows = (n - 1) - ((n - 1) - rows.abs()).abs()
    return (rows[:, :, None] == rows[:, None, :]).sum(0)
