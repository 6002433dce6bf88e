"""The signal route: the masked error flows on, to everything below.

An autograd node stands at a feature map, an activation's input or any other module's
output, and leaves the forward pass alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

from gradmask.masking.layers import ACTIVATIONS, unfit_for_signal
from gradmask.masking.site import Hook, Site, Switch, alias, carries_gradients

__all__ = ["SignalRoute", "mask_signal"]


@dataclass(frozen=True)
class SignalRoute:
    """Where the signal route acts, and whether it guards the network's input."""

    allow_input_grad: bool = False
    default = ACTIVATIONS
    unfit = staticmethod(unfit_for_signal)

    def place(
        self, model: nn.Module, modules: Mapping[str, nn.Module], switch: Switch
    ) -> tuple[list[Site], list[RemovableHandle]]:
        """Hook the named modules of a network."""
        sites: list[Site] = []
        hooks = []
        for name, module in modules.items():
            if isinstance(module, ACTIVATIONS):
                sites.append(before := InputSite(switch, name, module))
                hooks.append(module.register_forward_pre_hook(before))
            else:
                sites.append(after := OutputSite(switch, name, module))
                hooks.append(module.register_forward_hook(after))
        if not self.allow_input_grad:
            guard = InputGuard(sites)
            hooks.append(model.register_forward_pre_hook(guard, with_kwargs=True))
        return sites, hooks


class InputSite(Site):
    """Masks the error at a module's input."""

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> Any:
        if not (self.on() and self.is_map(x := self.input(args))):
            return None
        inplace = getattr(module, "inplace", False)
        return (mask_signal(x, self.switch.masked, inplace=inplace), *args[1:])


class OutputSite(Site):
    """Masks the error at a module's output."""

    def __call__(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if not (self.on() and self.is_map(output)):
            return None
        return mask_signal(output, self.switch.masked)


class InputGuard(Hook):
    """Refuses to let an attack or a saliency map be computed through the mask."""

    def __init__(self, sites: list[Site]) -> None:
        self.sites = sites

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        if not any(site.on() for site in self.sites):
            return
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        if any(map(carries_gradients, tensors)):
            raise RuntimeError(
                "the input requires grad while a GradientMask is attached on the "
                "signal route: its gradient would be masked, and an attack or a "
                "saliency map made from it would deceive you. Use model.eval() or "
                "handle.paused(); if it is meant (a sub-network, say), attach with "
                "allow_input_grad=True"
            )


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
        return x if inplace else alias(x)

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
