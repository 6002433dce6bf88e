"""The lateral response to an object in noise: its weights and its first moments."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gradmask.functional import lateral_response
from gradmask.theory.energy import energy_moments


class Response(NamedTuple):
    """Positions stand in one dimension, of length n = H W."""

    kernel: Tensor
    shape: torch.Size
    support: Tensor  # (n,)
    weights: Tensor  # (n, n): the response is weights @ energy
    energy_mean: Tensor  # (n,)
    energy_variance: Tensor  # (n,)

    @property
    def mean(self) -> Tensor:
        """Of the response at every position."""
        return self.weights @ self.energy_mean

    @property
    def spread(self) -> Tensor:
        """Its standard deviation over samples, at every position."""
        return (self.weights.square() @ self.energy_variance).sqrt()

    @property
    def unit(self) -> Tensor:
        """Its standard deviation over the map, object included."""
        return (self.spread.square().mean() + self.mean.var(correction=0)).sqrt()

    @property
    def covariance(self) -> Tensor:
        """Of the responses at all positions, of shape (n, n)."""
        seen = self.weights * self.energy_variance
        return _filtered(seen, self.kernel, self.shape)


def response_to(
    kernel: Tensor, support: Any, strength: float, channels: float
) -> Response:
    """Raise ValueError if support is not a map or smaller than the kernel."""
    support = _as_map(support)
    shape, on = support.shape, support.flatten()
    impulses = torch.eye(on.numel(), dtype=torch.float64)
    weights = _filtered(impulses, kernel, shape).T
    mean, variance = energy_moments([0.0, strength], channels)
    return Response(kernel, shape, on, weights, mean[on.long()], variance[on.long()])


def as_object(support: Any) -> Tensor:
    """Return a bool map; raise ValueError if it is none, empty or full."""
    on = _as_map(support)
    if not on.any() or on.all():
        raise ValueError("the support must be neither empty nor the whole map")
    return on


def _as_map(support: Any) -> Tensor:
    on = torch.as_tensor(support, device="cpu") != 0
    if on.dim() != 2:
        raise ValueError(f"support must have shape (H, W), got {tuple(on.shape)}")
    return on


def _filtered(maps: Tensor, kernel: Tensor, shape: torch.Size) -> Tensor:
    return lateral_response(maps.view(-1, 1, *shape), kernel).flatten(1)
