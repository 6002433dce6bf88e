"""Masks that the library leaves out and the ablations ask about."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradmask import GradientMask
from gradmask.functional import error_energy, lateral_response
from gradmask.masking import Handle

__all__ = ["AblatedMask", "ablated"]


@dataclass(frozen=True, repr=False)
class AblatedMask(GradientMask):
    r"""A Gradient Mask that weighs instead of choosing, or makes up for what it drops.

    Parameters
    ----------
    soft : bool, default False
        Weigh positions by :math:`1 / (1 + \exp(-2 r / \sigma_r))`, with r the lateral
        response and sigma_r its standard deviation over the sample, instead of keeping
        or dropping them.  Of several scales the first counts; a sample without any
        response is kept whole.
    rescaled : bool, default False
        Multiply the masked error of every sample so that its norm is what it was.
    depth : pair of float, default (0, 1)
        Which convolutions: from and up to which share of them, in the order of the
        network.
    sites : str, optional
        Instead of them, the modules whose whole name this regular expression matches.

    All other parameters are those of :class:`gradmask.GradientMask`.
    """

    soft: bool = False
    rescaled: bool = False
    depth: tuple[float, float] = (0, 1)
    sites: str | None = None

    def mask(
        self,
        delta: Tensor,
        *,
        energy: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor | None:
        """Weights of shape (B, 1, H, W) in place of the library's bool mask."""
        mask = super().mask(delta, energy=energy, generator=generator)
        if mask is None:
            return None
        error = error_energy(delta)
        weights = mask.to(error.dtype)
        if self.soft:
            whole = mask.all(dim=3, keepdim=True).all(dim=2, keepdim=True)
            weights = torch.where(
                whole, 1.0, self._graded(error if energy is None else energy)
            )
        if self.rescaled:
            kept = (weights * error).square().sum((2, 3), keepdim=True)
            norm = error.square().sum((2, 3), keepdim=True)
            weights = weights * torch.where(kept > 0, norm / kept, 1.0).sqrt()
        return weights.to(delta.dtype)

    def _graded(self, energy: Tensor) -> Tensor:
        kernel = self.kernels(
            *energy.shape[-2:], dtype=energy.dtype, device=energy.device
        )[0]
        response = lateral_response(energy, kernel)
        spread = response.std((2, 3), correction=0, keepdim=True)
        return torch.sigmoid(2 * response / spread)

    def attach(self, model: nn.Module, *args: Any, **options: Any) -> Handle:
        """Attach to the convolutions that `depth` names, or to what `sites` matches."""
        if self.sites is not None:
            matching = re.compile(self.sites).fullmatch
            return super().attach(
                model, lambda name, _: bool(matching(name)), *args, **options
            )
        names = [n for n, m in model.named_modules() if isinstance(m, nn.Conv2d)]
        first, last = (round(share * len(names)) for share in self.depth)
        return super().attach(model, names[first:last], *args, **options)


def ablated(
    mask: GradientMask,
    *,
    soft: bool = False,
    rescaled: bool = False,
    depth: tuple[float, float] = (0, 1),
    sites: str | None = None,
) -> AblatedMask:
    """Change a Gradient Mask in one of the ways of :class:`AblatedMask`."""
    return AblatedMask(
        **asdict(mask), soft=soft, rescaled=rescaled, depth=depth, sites=sites
    )
