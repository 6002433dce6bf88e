# ruff: noqa: D102
"""The hooks that a handle places in a network.

None of them holds a tensor between passes, and copies of a network carry inert ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from gradmask.masking.routes import Normalisation, mask_signal, mask_weights

__all__ = [
    "InputGuard",
    "InputSite",
    "NormalisationHook",
    "OutputSite",
    "Site",
    "WeightsSite",
]


class Switch(Protocol):
    """What a hook asks: whether to mask, and how."""

    active: bool

    def masked(self, delta: Tensor, energy: Tensor | None = None) -> Tensor:
        """Return the masked error."""


class _Hook:
    """A hook that deep copies and pickles of its module do not take along."""

    def __reduce__(self) -> tuple[Callable[[], Callable[..., None]], tuple[()]]:
        return _inert, ()


def _inert() -> Callable[..., None]:
    return _nothing


def _nothing(*args: object) -> None:
    pass


class Site(_Hook):
    """A module at which errors are masked."""

    def __init__(
        self, handle: Switch, name: str, module: nn.Module, contribution: bool = False
    ) -> None:
        self.handle = handle
        self.name = name
        self.module = module
        self.kind = type(module).__name__
        self.contribution = contribution

    def masked(self, delta: Tensor, energy: Tensor | None = None) -> Tensor:
        """Return the masked error, or delta itself where nothing is to be masked."""
        return self.handle.masked(delta, energy)

    def on(self) -> bool:
        """Whether the coming backward pass is to be masked here."""
        return self.handle.active and self.module.training and torch.is_grad_enabled()

    def is_map(self, t: object) -> bool:
        """Whether t is a feature map that carries gradients."""
        if not isinstance(t, Tensor):
            raise TypeError(
                f"{self.name} ({self.kind}) hands on a {type(t).__name__}, not a "
                "tensor; attach to a module inside it"
            )
        return _carries_gradients(t) and t.dim() == 4

    def input(self, args: tuple[Any, ...]) -> Any:
        """Input of the module, whose hooks see positional arguments only."""
        if not args:
            raise TypeError(
                f"{self.name} ({self.kind}) was called with keyword arguments alone; "
                "pass its input by position"
            )
        return args[0]


class InputSite(Site):
    """Masks the error at a module's input, on the signal route."""

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> Any:
        if not (self.on() and self.is_map(x := self.input(args))):
            return None
        inplace = getattr(module, "inplace", False)
        return (mask_signal(x, self.masked, inplace=inplace), *args[1:])


class OutputSite(Site):
    """Masks the error at a module's output, on the signal route."""

    def __call__(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if not (self.on() and self.is_map(output)):
            return None
        return mask_signal(output, self.masked)


class WeightsSite(Site):
    """Masks the error that a convolution's weights see."""

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(self, module: nn.Conv2d, args: tuple[Any, ...], output: Any) -> Any:
        if not (self.on() and self.is_map(output)):
            return None
        following = Normalisation()
        output = mask_weights(module, self.input(args), output, self, following)
        output._gradmask_following = following
        return output


class NormalisationHook(_Hook):
    """Tells the convolution, whose output arrives here, how it is normalised."""

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        following = getattr(args[0], "_gradmask_following", None) if args else None
        if following is None or not _uses_own_statistics(module):
            return
        following.runs, following.z = True, args[0].detach()
        if isinstance(module, nn.GroupNorm):
            following.groups = module.num_groups
        elif isinstance(module, nn.InstanceNorm2d):
            following.groups = args[0].shape[1]


def _uses_own_statistics(module: nn.Module) -> bool:
    return module.training or getattr(module, "running_mean", None) is None


class InputGuard(_Hook):
    """Refuses to let an attack or a saliency map be computed through the mask."""

    def __init__(self, handle: Switch, sites: list[Site]) -> None:
        self.handle = handle
        self.sites = sites

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        if not any(site.on() for site in self.sites):
            return
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        if any(map(_carries_gradients, tensors)):
            raise RuntimeError(
                "the input requires grad while a GradientMask is attached on the "
                "signal route: its gradient would be masked, and an attack or a "
                "saliency map made from it would deceive you. Use model.eval() or "
                "handle.paused(); if it is meant (a sub-network, say), attach with "
                "allow_input_grad=True"
            )


def _carries_gradients(t: Tensor) -> bool:
    """``t.requires_grad``, also beneath a torch.func.vmap, which hides it."""
    if torch._C._are_functorch_transforms_active():
        functorch = torch._C._functorch
        while not t.requires_grad and functorch.is_functorch_wrapped_tensor(t):
            t = functorch.get_unwrapped(t)
    return t.requires_grad
