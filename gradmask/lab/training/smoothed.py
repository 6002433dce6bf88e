"""A control that smooths the energy as the mask's kernel does, and inhibits nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gradmask import SoftMask
from gradmask.functional import error_energy, lateral_response, rearrange
from gradmask.lab.training.readings import gaussian

__all__ = ["SmoothedOrder"]


@dataclass(frozen=True, repr=False)
class SmoothedOrder(SoftMask):
    r"""The weights of a soft mask, in the order of the smoothed energy.

    A Laplacian of Gaussian smooths and inhibits: it is what neighbours have in excess
    of a wider surround.  This control gives the same weights to the positions in the
    order of :math:`G_\sigma * e`, the energy filtered by the Gaussian of the same sigma
    on the same window.  It knows neighbourhoods and no surround.  All parameters are
    those of :class:`gradmask.SoftMask`.
    """

    kind: ClassVar[str] = "soft, in smoothed order"

    def mask(
        self,
        delta: Tensor,
        *,
        energy: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor | None:
        """Weights of shape (B, 1, H, W); None where the soft mask has none."""
        weights = super().mask(delta, energy=energy, generator=generator)
        if weights is None:
            return None
        energy = error_energy(delta) if energy is None else energy
        ((sigma, side),) = self.scales(*energy.shape[-2:])
        smooth = lateral_response(energy, gaussian(sigma, side, energy))
        return rearrange(weights, smooth)
