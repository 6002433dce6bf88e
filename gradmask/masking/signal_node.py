"""The autograd node of the signal route: it leaves the forward pass alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function

from gradmask.masking.site import alias

__all__ = ["mask_signal"]


def mask_signal(
    x: Tensor, masked: Callable[[Tensor], Tensor], *, inplace: bool = False
) -> Tensor:
    """Return x with a backward pass that hands ``masked(delta)`` on instead of delta.

    Nothing is copied.  With ``inplace`` the node takes the place of x itself, as the
    in-place module behind it is about to do, so that later uses of x lie behind it;
    otherwise the result is a new tensor of the same memory and x's other branches
    keep their plain error.
    """
    if torch._C._are_functorch_transforms_active():
        node = _TransformedSignal.apply
    else:
        node = _in_place if inplace else _MaskedSignal.apply
    return cast(Tensor, node(x, masked, inplace))


class _MaskedSignal(Function):
    """The node; setting its context up apart would make it several times as slow."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, masked: Callable[[Tensor], Tensor], inplace: bool
    ) -> Tensor:
        ctx.masked = masked
        if inplace:
            ctx.mark_dirty(x)
        return x if inplace else alias(x)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor, None, None]:
        return ctx.masked(delta), None, None


class _TransformedSignal(Function):
    """The same for torch.func, whose transforms ask for such a context and for vmap."""

    @staticmethod
    def forward(x: Tensor, masked: Callable[[Tensor], Tensor], inplace: bool) -> Tensor:
        return x if inplace else alias(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, ctx.masked, inplace = inputs
        if inplace:
            ctx.mark_dirty(x)

    backward = _MaskedSignal.backward

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
        return _TransformedSignal.apply(x, each, inplace), dim


_in_place = _MaskedSignal.apply
# Before version 2.14 torch.compile lost what mark_dirty says; there such a node stays
# out of compiled graphs.
if torch.__version__ < (2, 14):  # type: ignore[operator]
    _in_place = torch.compiler.disable(_in_place)
