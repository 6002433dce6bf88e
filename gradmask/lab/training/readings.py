r"""Other readings of lateral inhibition than the Gradient Mask of this book.

The paper's abstract gives no formula, so that a verdict on one reading alone says
little about the idea.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gradmask import GradientMask
from gradmask.functional import error_energy, lateral_response

__all__ = ["BlurMask", "SubtractiveInhibition", "gaussian"]

SIZE = 5
WIDE = 11.0


class _Reading(GradientMask):
    """A mask that an energy map alone decides, through a window of 5x5 positions."""

    def mask(
        self,
        delta: Tensor,
        *,
        energy: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor | None:
        """Mask or weights of shape (B, 1, H, W); None for maps below the window."""
        if delta.dim() != 4 or min(delta.shape[2:]) < SIZE:
            return None
        return self._kept(error_energy(delta) if energy is None else energy)

    def _kept(self, energy: Tensor) -> Tensor:
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class BlurMask(_Reading):
    r"""The companion code's kernel: keep what is above its mean, once blurred.

    .. math:: m(x) = 1[\bar e(x) > \langle \bar e \rangle]

    with :math:`\bar e` the error energy, filtered by a Gaussian of standard deviation
    11 cut to 5x5 positions, which is of one sign and nearly flat, and
    :math:`\langle \cdot \rangle` the mean over a sample's positions.  A sample
    without any structure is kept whole.  Sigma, threshold and kernel of
    :class:`gradmask.GradientMask` play no part.
    """

    def _kept(self, energy: Tensor) -> Tensor:
        blurred = lateral_response(energy, gaussian(WIDE, SIZE, energy))
        mask = blurred > blurred.mean((2, 3), keepdim=True)
        return mask | ~mask.any(dim=3, keepdim=True).any(dim=2, keepdim=True)


@dataclass(frozen=True, repr=False)
class SubtractiveInhibition(_Reading):
    r"""A position's error is reduced by a share of its surround's, and none is dropped.

    .. math:: w(x) = \max\Big(0,\, 1 - \beta \, \frac{u(x)}{e(x)}\Big), \qquad
              u = \frac{k_{5 \times 5} * e - k(0)\, e}{1 - k(0)},

    scaled so that the weights of a sample have mean one: the surround u is the mean
    energy of the other positions under a Gaussian kernel k of 5x5 positions, whose
    centre has the weight :math:`k(0)`.  A sample whose weights are all zero is kept as
    it is.

    Parameters
    ----------
    beta : float, default 0.5
        The share.
    keeps_length : bool, default False
        Whether the weights of a sample are scaled anew, so that its error is as long as
        before, :math:`\sum w^2 e^2 = \sum e^2`.  Of mean one they lengthen it, for the
        largest lie where the error is largest, and on the signal route once more at
        every activation that it passes.

    Notes
    -----
    Sigma, threshold and kernel of :class:`gradmask.GradientMask` play no part.
    """

    beta: float = 0.5
    keeps_length: bool = False

    def _kept(self, energy: Tensor) -> Tensor:
        kernel = gaussian(WIDE, SIZE, energy)
        centre = kernel[SIZE // 2, SIZE // 2]
        around = lateral_response(energy, kernel) - centre * energy
        surround = around.clamp(min=0) / (1 - centre)  # rounding may take it below zero
        weights = (energy - self.beta * surround).clamp(min=0) / energy
        weights = weights.nan_to_num(0.0)
        mean = weights.mean((2, 3), keepdim=True)
        if self.keeps_length:
            mean = _length(weights * energy) / _length(energy)
        return torch.where(mean > 0, weights / mean, 1.0)


def _length(energy: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(energy, dim=(2, 3), keepdim=True)
    return length


def gaussian(sigma: float, size: int, like: Tensor) -> Tensor:
    """Gaussian kernel of sum one on size x size positions, of another tensor's type."""
    steps = torch.arange(size, dtype=like.dtype, device=like.device) - size // 2
    profile = torch.exp(-steps.square() / (2 * sigma**2))
    kernel = torch.outer(profile, profile)
    return kernel / kernel.sum()
