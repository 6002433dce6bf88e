"""SoftMask: the mask that theory asks for, which weighs instead of choosing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gradmask.functional import error_energy, lateral_weights, rearrange
from gradmask.functional._values import real
from gradmask.functional.soft import OCCUPANCY
from gradmask.gradient_mask import GradientMask

__all__ = ["SoftMask"]

_LOWEST = -OCCUPANCY / (1 - OCCUPANCY)


@dataclass(frozen=True, repr=False)
class SoftMask(GradientMask):
    """Lateral inhibition by weights of mean one, where there is something to see.

    A mask that chooses throws half of the gradient away where a map holds nothing but
    noise.  This one weighs the positions of every map by the odds that they hold an
    object (:func:`gradmask.functional.lateral_weights`), and is plain training where
    the response is no more than chance.

    Parameters
    ----------
    strength : float, default 1.0
        How far to go from plain training, at zero, to these weights, at one.  Below
        zero, down to minus a ninth, it prefers what they reject.
    steered : bool, default False
        Whether every convolution finds a strength of its own, from zero to one, by how
        well its masked gradient agrees with the plain one of other samples
        (:mod:`gradmask.masking.steering`).  Weights route only.
    both_ways : bool, default False
        Whether a steered strength may also fall below zero, to minus a ninth.

    Raises
    ------
    ValueError
        If a value is none of those, or contradicts another.
    TypeError
        If a value is of another type.

    Notes
    -----
    All other parameters are those of :class:`gradmask.GradientMask`: of `sigma` it
    takes one, `threshold` stays zero, and the kernel is balanced.  The controls
    "random" and "top-k" give the same weights to positions drawn at random, or in the
    order of their energy.

    Weights of mean one make a gradient longer, for the largest lie where the error is
    largest: about four times in small networks on cluttered scenes (``python -m
    gradmask.lab run scenes_premise``).  The learning rate that is best for plain
    training may be too high.

    How far an object stands out is found from all samples of a batch, and the weights
    of one depend on the others to that extent; a batch of one has weights of one.

    Examples
    --------
    >>> SoftMask.from_theory()
    SoftMask(sigma=(0.25,), route='weights', energy='contribution', relative=True)
    """

    strength: float = 1.0
    steered: bool = False
    both_ways: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "strength", real("strength", self.strength))
        for field in ("steered", "both_ways"):
            if not isinstance(value := getattr(self, field), bool):
                raise TypeError(f"{field} must be True or False, got {value!r}")
        if not _LOWEST <= self.strength <= 1:
            raise ValueError(
                f"strength must be from {_LOWEST:.3f} to 1, got {self.strength}"
            )
        if len(self.sigmas) > 1 or self.threshold:
            raise ValueError("a SoftMask has one sigma and no threshold")
        if self.kernel == "unbalanced":
            raise ValueError("a SoftMask needs a kernel of sum zero")
        if self.steered and (self.route != "weights" or self.strength != 1):
            raise ValueError('steered=True needs route="weights" and a strength of 1')
        if self.both_ways and not self.steered:
            raise ValueError("both_ways=True needs steered=True")

    def mask(
        self,
        delta: Tensor,
        *,
        energy: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor | None:
        """Weights of shape (B, 1, H, W) that this configuration gives an error signal.

        Parameters and the case of None are those of :meth:`GradientMask.mask`.
        """
        if delta.dim() != 4 or not self.reaches(*delta.shape[-2:]):
            return None
        energy = error_energy(delta) if energy is None else energy
        (kernel,) = self._kernels(energy, energy.dtype)
        weights = lateral_weights(energy, kernel, self.strength)
        if self.select == "top-k":
            return rearrange(weights, energy)
        if self.select == "random":
            noise = torch.rand(
                weights.shape, generator=generator, device=weights.device
            )
            return rearrange(weights, noise)
        return weights

    @property
    def _bounds(self) -> tuple[float, float] | None:
        return (_LOWEST * self.both_ways, 1.0) if self.steered else None
