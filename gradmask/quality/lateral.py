"""Lateral gradient quality: what the mask finds in an error signal beyond chance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gradmask.functional import error_energy, lateral_mask

__all__ = ["lateral_quality"]

_SHUFFLES = 7


def lateral_quality(
    delta: Tensor, kernel: Tensor | Sequence[Tensor], threshold: float = 0.0
) -> Tensor:
    r"""How much brighter the kept error is than the rejected, beyond chance.

    The contrast of a map compares the means of the squared error energy over the
    positions that the mask keeps, :math:`M_1`, and rejects, :math:`M_0`:
    :math:`\chi = (M_1 - M_0)/(M_1 + M_0)`.  It is above zero for any field, since the
    mask picks what is strong.  So the map's own contrast :math:`\chi_0` is compared
    with those of seven shuffled copies, whose masks are computed anew.  With
    :math:`\bar\chi` for the mean of all eight,

    .. math:: \mathrm{LGQ} = \frac{\chi_0 - \bar\chi}{1 - \bar\chi}.

    1: nothing bright is rejected.  0: no more than chance.  Negative: the kernel
    rejects bright structure, because it is too small for it, say.

    Parameters
    ----------
    delta : Tensor
        Error signal of shape (B, C, H, W).
    kernel : Tensor or sequence of Tensor
        One kernel, or several, as in :func:`gradmask.functional.gradient_mask`.
    threshold : float, default 0.0
        As in :func:`gradmask.functional.gradient_mask`.

    Returns
    -------
    Tensor
        Shape (B,), between -7 and 1; nan where delta is zero everywhere or not finite.
        A map whose arrangement decides nothing gives 0: a flat one, which is kept
        whole, and one so sparse that it is separated perfectly wherever it is put.

    Raises
    ------
    ValueError
        As :func:`gradmask.functional.gradient_mask`, also where the map is smaller
        than the kernel.

    Notes
    -----
    The seven shuffles are the powers of one fixed permutation of order eight, so that
    a map and its shuffled copies form an orbit.  Where a field has no spatial
    structure all eight are equally likely, the denominator is the same for each, and
    the expectation of LGQ is exactly zero, for any distribution of energies.  (A single
    copy in the place of the mean, :math:`(\chi_0 - \chi_1)/(1 - \chi_1)`, would be
    biased downwards by the fluctuation of :math:`\chi_1`, without bound for sparse
    maps.)

    Neither the global random state nor the rest of the batch has any influence.

    Examples
    --------
    A blob of the kernel's size on a quiet background:

    >>> from gradmask import laplacian_of_gaussian
    >>> delta = torch.full((1, 1, 16, 16), 0.1)
    >>> delta[..., 6:11, 6:11] = 1
    >>> round(lateral_quality(delta, laplacian_of_gaussian(2.0)).item(), 1)
    0.8
    """
    energy = error_energy(delta)
    energy = energy / energy.amax((2, 3), keepdim=True)
    orders = _orbit(energy.shape[-2] * energy.shape[-1]).to(energy.device)
    arranged = energy.flatten(1)[:, orders].view(-1, 1, *energy.shape[-2:])
    mask = lateral_mask(arranged, kernel, threshold)
    contrasts = _contrast(arranged.square(), mask).view(len(delta), 1 + _SHUFFLES)
    own, others = contrasts[:, 0], contrasts[:, 1:].mean(1)
    excess = own - others
    room = (1 - others) + (1 - own) / _SHUFFLES
    return torch.where(excess == 0, excess, excess / room)


def _contrast(power: Tensor, mask: Tensor) -> Tensor:
    kept, rejected = (
        (power * part).sum((1, 2, 3)) / part.sum((1, 2, 3)) for part in (mask, ~mask)
    )
    contrast = (kept - rejected) / (kept + rejected)
    one_sided = mask.flatten(1).all(1) | ~mask.flatten(1).any(1)
    return torch.where(one_sided, 0 * power.sum((1, 2, 3)), contrast)


def _orbit(positions: int) -> Tensor:
    """The identity and the powers of one permutation of order 8, a row each.

    The positions are dealt at random into rings of eight, and the rings turned; up to
    seven positions, which are left over, stay.
    """
    order = 1 + _SHUFFLES
    generator = torch.Generator().manual_seed(0)
    dealt = torch.randperm(positions, generator=generator, device="cpu")
    rings = dealt[: positions - positions % order].view(-1, order)
    orbit = torch.arange(positions, device="cpu").repeat(order, 1)
    for turns in range(1, order):
        orbit[turns, rings] = rings.roll(turns, dims=1)
    return orbit
