"""The formulas of the Gradient Mask: pure functions of tensors, without state.

Shapes: B samples, C channels, H by W positions.  ``delta`` is an error signal, the
gradient of the loss with respect to a feature map; ``energy`` is a map of how strong
it is; ``mask`` says which positions are kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from operator import and_

import torch
import torch.nn.functional as F
from torch import Tensor

from gradmask.functional._numerics import (
    at_least_float32,
    check_map,
    each_filtered,
    kept,
    no_autocast,
    rounding_error,
    with_float64,
)
from gradmask.functional.energy import error_energy

__all__ = [
    "gradient_mask",
    "keep_largest",
    "lateral_mask",
    "lateral_response",
]

_LARGEST_DIRECT_KERNEL = 15


def lateral_response(energy: Tensor, kernel: Tensor) -> Tensor:
    r"""Filter an energy map with an on-centre off-surround kernel.

    .. math:: r = k * e

    The map is continued by reflection at its border; the result is positive where a
    position has more energy than its surround.

    Parameters
    ----------
    energy : Tensor
        Map of shape (B, 1, H, W).
    kernel : Tensor
        Odd square kernel of shape (k, k), symmetric about both axes, cast to the
        map's dtype.  Kernels wider than 15 are applied by cosine transform, which
        reads one quarter of them.

    Returns
    -------
    Tensor
        Response of shape (B, 1, H, W), in float32 for half-precision maps.

    Raises
    ------
    ValueError
        If energy is not of shape (B, 1, H, W), kernel is not square and odd, or the
        map is smaller than the kernel.

    Examples
    --------
    A balanced kernel does not see the level of a map:

    >>> from gradmask import laplacian_of_gaussian
    >>> level = torch.full((1, 1, 9, 9), 5.0)
    >>> bool(lateral_response(level, laplacian_of_gaussian(1.0)).abs().max() < 1e-5)
    True
    """
    check_map("energy", energy)
    size = len(kernel)
    if energy.shape[1] != 1:
        raise ValueError(
            f"energy must have one channel, got shape {tuple(energy.shape)}"
        )
    if kernel.dim() != 2 or kernel.shape[1] != size or size % 2 == 0:
        raise ValueError(f"kernel must be square and odd, got {tuple(kernel.shape)}")
    if min(energy.shape[-2:]) < size:
        raise ValueError(
            f"a map of {energy.shape[-2]}x{energy.shape[-1]} positions is smaller than "
            f"the {size}x{size} kernel; choose a smaller sigma or size"
        )
    if energy.numel() == 0:
        return energy
    energy = at_least_float32(energy)
    kernel = kernel.to(energy)
    # The mean is filtered apart, for accuracy: structure stands out from rounding,
    # that of TF32 included, by its height over the mean.
    mean = energy.mean((2, 3), keepdim=True)
    if size > _LARGEST_DIRECT_KERNEL:
        with no_autocast(energy):
            return _by_cosines(energy - mean, kernel) + mean * kernel.sum()
    padded = F.pad(energy - mean, (size // 2,) * 4, mode="reflect")
    level = mean * kernel.sum()
    if torch.compiler.is_compiling():  # which fuses a sum, and may stumble on a bias
        return each_filtered(padded, kernel) + level
    return each_filtered(padded, kernel, level.flatten())


def _by_cosines(energy: Tensor, kernel: Tensor) -> Tensor:
    """Filter by the cosine transform that diagonalises reflection (the DCT-I).

    A mirrored map is even and periodic, of period 2(H - 1), and so is its response to a
    kernel that is even itself: four small matrix products do what would take the
    Fourier transform of a map four times as large.
    """
    like = energy.dtype, energy.device
    rows, columns = (_cosines(n, *like) for n in energy.shape[-2:])
    reach = len(kernel) // 2
    gain = rows[:, : reach + 1] @ kernel[reach:, reach:] @ columns[:, : reach + 1].mT
    gain = gain / (4 * (len(rows) - 1) * (len(columns) - 1))
    response: Tensor = rows @ (gain * (rows @ energy @ columns.mT)) @ columns.mT
    return response


@kept
def _cosines(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Matrix of the DCT-I of n points, its own inverse up to a factor of 2(n - 1)."""
    index = torch.arange(n, dtype=torch.float64, device=with_float64(device))
    cosines = 2 * torch.cos(torch.outer(index, index) * (math.pi / (n - 1)))
    cosines[:, :: n - 1] /= 2
    return cosines.to(device, dtype)


def lateral_mask(
    energy: Tensor, kernel: Tensor | Sequence[Tensor], threshold: float = 0.0
) -> Tensor:
    r"""Keep the positions of an energy map that beat their surround.

    .. math:: m(x) = 1[r(x) > \theta \sigma_r + \varepsilon], \qquad r = k * e,

    with sigma_r the standard deviation of the response over the positions of a sample,
    and the rounding error :math:`\varepsilon = 4 \, \mathrm{eps} \sum |k| \max e`.

    Parameters
    ----------
    energy : Tensor
        Map of shape (B, 1, H, W).
    kernel : Tensor or sequence of Tensor
        One kernel, or several: a position is kept if any of them keeps it.
    threshold : float, default 0.0
        In units of the response's standard deviation, per sample and per kernel.

    Returns
    -------
    Tensor
        Bool mask of shape (B, 1, H, W).  A sample whose response nowhere exceeds
        rounding in magnitude, or is not finite, is kept whole: there is nothing to
        choose.

    Raises
    ------
    ValueError
        As :func:`lateral_response`; also if no kernel is given.

    Examples
    --------
    >>> from gradmask import laplacian_of_gaussian
    >>> energy = torch.zeros(1, 1, 9, 9)
    >>> energy[..., 4, 4] = 1
    >>> lateral_mask(energy, laplacian_of_gaussian(0.5)).nonzero()[:, 2:]
    tensor([[4, 4]])
    >>> bool(lateral_mask(torch.ones(1, 1, 9, 9), laplacian_of_gaussian(1.0)).all())
    True
    """
    kernels = [kernel] if isinstance(kernel, Tensor) else list(kernel)
    if not kernels:
        raise ValueError("at least one kernel is needed")
    if energy.numel() == 0:
        return energy > 0
    responses = [lateral_response(energy, one) for one in kernels]
    levels, flat = [], []
    for response, one in zip(responses, kernels, strict=True):
        rounding = rounding_error(energy, one)
        flat.append(~(response.abs().amax((2, 3), keepdim=True) > rounding))
        level = threshold * _spread(response) + rounding if threshold else rounding
        levels.append(level.masked_fill(flat[-1], math.inf))
    # Nothing is at or below a level that is no number: such a sample is kept whole.
    nothing = reduce(and_, flat)
    dropped = (
        response <= level.masked_fill(nothing, math.nan)
        for response, level in zip(responses, levels, strict=True)
    )
    return ~reduce(and_, dropped)


def gradient_mask(
    delta: Tensor, kernel: Tensor | Sequence[Tensor], threshold: float = 0.0
) -> Tensor:
    r"""Lateral inhibition of an error signal: which positions are kept.

    The composition of :func:`error_energy` and :func:`lateral_mask`; the masked error
    is ``mask * delta``.  The mask is computed for each sample alone and does not
    change when delta is scaled.

    Parameters
    ----------
    delta : Tensor
        Error signal of shape (B, C, H, W).
    kernel : Tensor or sequence of Tensor
        One kernel, or several: a position is kept if any of them keeps it.
    threshold : float, default 0.0
        In units of the response's standard deviation over the sample's positions.

    Returns
    -------
    Tensor
        Bool mask of shape (B, 1, H, W).

    Raises
    ------
    ValueError
        As :func:`error_energy` and :func:`lateral_mask`.

    References
    ----------
    Jiang et al., arXiv:2208.06918, propose the mechanism; its abstract gives no
    formula, and this one is a reconstruction.

    Examples
    --------
    One strong position inhibits its neighbours:

    >>> from gradmask import laplacian_of_gaussian
    >>> delta = torch.ones(1, 1, 5, 5)
    >>> delta[..., 2, 2] = 3
    >>> gradient_mask(delta, laplacian_of_gaussian(0.5, size=3)).int()[0, 0]
    tensor([[0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0],
            [0, 0, 1, 0, 0],
            [0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0]], dtype=torch.int32)
    """
    return lateral_mask(error_energy(delta), kernel, threshold)


def keep_largest(score: Tensor, mask: Tensor) -> Tensor:
    """Keep as many positions of every sample as `mask` does: those of largest score.

    The controls of lateral inhibition: with random scores a random mask, with the
    energy as score a top-k mask, both at the keep rate of the mask that they control.

    Parameters
    ----------
    score : Tensor
        Map of shape (B, 1, H, W).
    mask : Tensor
        Bool mask of the same shape, of which only the count per sample is used.

    Returns
    -------
    Tensor
        Bool mask of shape (B, 1, H, W).

    Examples
    --------
    >>> mask = torch.tensor([[[[True, False, True]]]])
    >>> keep_largest(torch.tensor([[[[1.0, 3.0, 2.0]]]]), mask)
    tensor([[[[False,  True,  True]]]])
    """
    order = score.flatten(1).argsort(dim=1, descending=True, stable=True)
    rank = torch.arange(order.shape[1], device=order.device)
    kept = rank < mask.sum((1, 2, 3))[:, None]
    return kept.scatter(1, order, kept).view_as(score)


def _spread(response: Tensor) -> Tensor:
    return response.std((2, 3), correction=0, keepdim=True)
