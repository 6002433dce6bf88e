"""Where the masked error goes: two autograd nodes that leave the forward pass alone.

The *signal* node stands at a feature map and passes the masked error on, to everything
below.  The *weights* node replaces a convolution's own: its weights see the masked
error, while the plain error flows on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from gradmask.functional import contribution_energy, project_out

__all__ = ["Normalisation", "mask_signal", "mask_weights"]


def mask_signal(
    x: Tensor, masked: Callable[[Tensor], Tensor], *, inplace: bool = False
) -> Tensor:
    """Return x with a backward pass that hands ``masked(delta)`` on instead of delta.

    Nothing is copied.  With ``inplace`` the node takes the place of x itself, as the
    in-place module behind it is about to do, so that later uses of x lie behind it;
    otherwise the result is a new tensor of the same memory and x's other branches
    keep their plain error.
    """
    node = _in_place if inplace else _MaskedSignal.apply
    return cast(Tensor, node(x, masked, inplace))


class _MaskedSignal(Function):
    @staticmethod
    def forward(x: Tensor, masked: Callable[[Tensor], Tensor], inplace: bool) -> Tensor:
        return x if inplace else _alias(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, ctx.masked, inplace = inputs
        if inplace:
            ctx.mark_dirty(x)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor, None, None]:
        return ctx.masked(delta), None, None

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int, ...],
        x: Tensor,
        masked: Callable[[Tensor], Tensor],
        inplace: bool,
    ) -> tuple[Tensor, int]:
        dim = in_dims[0]
        each = torch.vmap(masked, dim, dim, randomness=info.randomness)
        return _MaskedSignal.apply(x, each, inplace), dim


_in_place = _MaskedSignal.apply
# Before version 2.14 torch.compile lost what mark_dirty says; there such a node stays
# out of compiled graphs.
if torch.__version__ < (2, 14):  # type: ignore[operator]
    _in_place = torch.compiler.disable(_in_place)


@dataclass
class Normalisation:
    """What follows a convolution's output, learnt when the normalisation runs."""

    runs: bool = False
    z: Tensor | None = None
    groups: int | None = None


class WeightMask(Protocol):
    """What masks a weight gradient."""

    contribution: bool

    def masked(self, delta: Tensor, energy: Tensor | None = None) -> Tensor:
        """Return the masked error, a new tensor, or delta itself."""


def mask_weights(
    conv: nn.Conv2d,
    x: Tensor,
    output: Tensor,
    site: WeightMask,
    following: Normalisation,
) -> Tensor:
    """Return a convolution's output with a node of its own, whose weights see the mask.

    The weight and the bias (a weight whose activation is one everywhere) receive the
    masked error, projected by what `following` says; x receives the plain error.  No
    second convolution is computed in the forward pass.
    """
    dtype = output.dtype
    weight = conv.weight.to(dtype)
    bias = None if conv.bias is None else conv.bias.to(dtype)
    x, padding = _explicit_padding(conv, x.to(dtype))
    geometry = _Geometry(conv.stride, padding, conv.dilation, conv.groups)
    return cast(
        Tensor,
        _MaskedWeights.apply(
            x, weight, bias, output.detach(), geometry, site, following
        ),
    )


@dataclass(frozen=True)
class _Geometry:
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def gradients(
        self,
        delta: Tensor,
        x: Tensor,
        weight: Tensor,
        wanted: tuple[bool, bool, bool],
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        return torch.ops.aten.convolution_backward(  # type: ignore[no-any-return]
            delta, x, weight, [weight.shape[0]], self.stride, self.padding,
            self.dilation, False, [0, 0], self.groups, wanted,
        )  # fmt: skip

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv2d(
            x, weight, bias, self.stride, self.padding, self.dilation, self.groups
        )


class _MaskedWeights(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        output: Tensor,
        geometry: _Geometry,
        site: WeightMask,
        following: Normalisation,
    ) -> Tensor:
        return _alias(output)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, bias, _, ctx.geometry, ctx.site, ctx.following = inputs
        ctx.save_for_backward(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias = ctx.saved_tensors
        geometry, site = ctx.geometry, ctx.site
        for_input, for_weight, for_bias = ctx.needs_input_grad[:3]
        dx = dw = db = None
        if for_weight or for_bias:
            masked = site.masked(delta, _contribution(ctx, delta, x, weight))
            if masked is not delta:
                masked = _projected(ctx, masked, x, weight, bias)
            # Let go as autograd lets go of what it saves, also where the map was too
            # small to be masked.
            ctx.following.z = None
            wanted = (False, for_weight, for_bias)
            _, dw, db = geometry.gradients(masked, x, weight, wanted)
            del masked
        if for_input:
            dx, _, _ = geometry.gradients(delta, x, weight, (True, False, False))
        return dx, dw, db, None, None, None, None


def _contribution(ctx: Any, delta: Tensor, x: Tensor, weight: Tensor) -> Tensor | None:
    if not ctx.site.contribution:
        return None
    geometry = ctx.geometry
    with torch.no_grad():
        return contribution_energy(
            delta,
            x,
            weight.shape[-2:],
            stride=geometry.stride,
            padding=geometry.padding,
            dilation=geometry.dilation,
            groups=geometry.groups,
        )


def _projected(
    ctx: Any, masked: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor:
    following = ctx.following
    if not following.runs:
        return masked
    # The kept z is detached, lest it hold the graph that holds it.  A second pass
    # through a retained graph, where it is gone, computes it again, and so does a
    # double backward pass, to differentiate it.
    z = following.z
    if z is None or torch.is_grad_enabled():
        z = ctx.geometry.forward(x, weight, bias)
    inplace = not torch.is_grad_enabled()
    return project_out(masked, z, following.groups, inplace=inplace)


def _explicit_padding(conv: nn.Conv2d, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    sides = conv._reversed_padding_repeated_twice
    symmetric = sides[0::2] == sides[1::2]
    if conv.padding_mode == "zeros" and symmetric:
        return x, tuple(reversed(sides[0::2]))
    mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
    return F.pad(x, sides, mode=mode), (0, 0)


def _alias(t: Tensor) -> Tensor:
    """Return t's memory and version as a node's output that is neither input nor view.

    Autograd forbids modules behind a custom node to modify its inputs or views in
    place; of this tensor it allows it, and notices where a modified one is needed.
    """
    return t.detach()
