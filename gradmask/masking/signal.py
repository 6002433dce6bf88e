"""The signal route: the masked error flows on, to everything below.

An autograd node stands at a feature map, an activation's input or any other module's
output, and leaves the forward pass alone.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

from gradmask.masking.graph import (
    channels_last,
    in_backward,
    layers_of,
    leaves,
    node_of,
)
from gradmask.masking.layers import (
    ACTIVATIONS,
    CHANNELS_LAST,
    Axes,
    axes_in_question,
    unfit_for_signal,
)
from gradmask.masking.site import Hook, Site, Switch, alias, carries_gradients

__all__ = ["SignalRoute", "mask_signal"]

Known = dict[int, weakref.ref[Any]]


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
        sites: list[SignalSite] = []
        hooks = []
        every = dict(model.named_modules())
        for name, module in modules.items():
            axes = axes_in_question(every, name)
            if isinstance(module, ACTIVATIONS):
                sites.append(before := InputSite(switch, name, module, axes))
                hooks.append(module.register_forward_pre_hook(before))
            else:
                sites.append(after := OutputSite(switch, name, module, axes))
                hooks.append(module.register_forward_hook(after))
        if not self.allow_input_grad:
            guard = InputGuard(switch, model, sites)
            for site in sites:
                site.guard = guard
            hooks.append(model.register_forward_pre_hook(guard, with_kwargs=True))
        return list(sites), hooks


class SignalSite(Site):
    """A site on the signal route, and what it refuses to let through."""

    guard: InputGuard | None = None

    def __init__(
        self, switch: Switch, name: str, module: nn.Module, axes: Axes | None
    ) -> None:
        super().__init__(switch, name, module)
        self.axes = axes

    def mask(self, t: Tensor, *, inplace: bool = False) -> Tensor | None:
        """Return t with a masked error, or None where it cannot be masked."""
        if not torch.compiler.is_compiling():
            return self._looked_at(t, inplace)
        # Compiled code keeps no record; what an eager pass found holds.
        if self.unfit == CHANNELS_LAST or self._last_by_shape(t):
            self.unfit = CHANNELS_LAST
            return None
        return mask_signal(t, self.masked, inplace=inplace) if self.reaches(t) else None

    def _last_by_shape(self, t: Tensor) -> bool:
        """Whether channels stand last, where no registration and no pass shows it."""
        if self.axes is None or self.fits:
            return False
        first, last = t.shape[1] in self.axes.first, t.shape[3] in self.axes.last
        if first == last:
            raise RuntimeError(
                f"{self.called} may stand where channels come last, which a compiled "
                "network does not tell: make one pass before compiling it, or choose "
                "other layers"
            )
        return last

    def _looked_at(self, t: Tensor, inplace: bool) -> Tensor | None:
        last = channels_last(t)
        if last is None:
            last = self.unfit == CHANNELS_LAST or self._last_by_shape(t)
        if last:
            self.unfit = CHANNELS_LAST
            return None
        if not self.reaches(t):
            return None
        if self.guard is not None:
            self.guard.refuse_strangers(t)
        self.fits = True
        t = mask_signal(t, self.masked, inplace=inplace)
        node = node_of(t)
        if node is not None and hasattr(node, "masked"):  # else PyTorch's, of a view
            node.channels_axis, node.guard = 1, self.guard
        return t

    def masked(self, delta: Tensor, energy: Tensor | None = None) -> Tensor:
        """Return the masked error of a backward pass that computes gradients."""
        if torch.compiler.is_compiling() or self.guard is None:
            return super().masked(delta, energy)
        if self.switch.active:
            self.guard.refuse_detours()
        return super().masked(delta, energy)


class InputSite(SignalSite):
    """Masks the error at a module's input."""

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> Any:
        if not self.on():
            return None
        self.expect(module)
        if not self.is_map(x := self.input(args)):
            return None
        x = self.mask(x, inplace=getattr(module, "inplace", False))
        return None if x is None else (x, *args[1:])


class OutputSite(SignalSite):
    """Masks the error at a module's output."""

    def __call__(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if not self.on():
            return None
        self.expect(module)
        return self.mask(output) if self.is_map(output) else None


class InputGuard(Hook):
    """Refuses to let an attack or a saliency map be computed through the mask.

    What the network is handed openly is looked at when it is called.  Whatever holds
    the input, its gradient has to pass the masks: there the graph behind a map may end
    in the network's own parameters only, and a backward pass must compute the gradient
    of a leaf.
    """

    def __init__(
        self, switch: Switch, model: nn.Module, sites: list[SignalSite]
    ) -> None:
        self.switch = switch
        self.model = model
        self.sites = sites
        self._parameters: Known = {id(p): weakref.ref(p) for p in model.parameters()}
        self._fair = -1
        self._follows_shards = False
        self.follow_shards()

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        if not any(site.on() for site in self.sites):
            return
        if any(map(carries_gradients, _tensors_in((args, kwargs)))):
            raise RuntimeError(_THE_INPUT + _DECEIVES)
        if not self._follows_shards and _is_sharded(module):
            self.follow_shards()

    def follow_shards(self) -> None:
        """Have modules of ``fully_shard`` say which parameters they gather."""
        for module in filter(_is_sharded, self.model.modules()):
            module.register_forward_pre_hook(_Gathered(self.switch, self._parameters))
            self._follows_shards = True

    def refuse_strangers(self, t: Tensor) -> None:
        """Raise where the graph behind t ends in no parameter of the network."""
        if in_backward():
            return
        if self._only_parameters(t, self._parameters, set()):
            return
        # Parameters may be others now, and themselves be computed (torch.func).
        now = [layer for p in self.model.parameters() for layer in layers_of(p)]
        known: Known = self._parameters | {id(p): weakref.ref(p) for p in now}
        if not self._only_parameters(t, known, {p.grad_fn for p in now} - {None}):
            raise RuntimeError(_THE_INPUT + _DECEIVES)

    def refuse_detours(self) -> None:
        """Raise in a backward pass that computes no gradient of a leaf."""
        if torch._C._are_functorch_transforms_active():
            return
        task = torch._C._current_graph_task_id()
        if task in (-1, self._fair):
            return
        node = torch._C._current_autograd_node()
        if not any(map(_is_computed, leaves(node, lambda n: False))):
            raise RuntimeError(
                "a gradient by a feature map is asked for while a GradientMask is "
                "attached on the signal route: it would be masked" + _DECEIVES
            )
        self._fair = task

    def _only_parameters(self, t: Tensor, known: Known, computed: set[Any]) -> bool:
        def own(leaf: Tensor) -> bool:
            return (reference := known.get(id(leaf))) is not None and (
                reference() is leaf
            )

        def stop(node: Any) -> bool:
            return node in computed or getattr(node, "guard", None) is self

        start = node_of(t)
        if start is None:
            return any(map(own, layers_of(t)))
        return all(own(leaf.variable) for leaf in leaves(start, stop))


class _Gathered(Hook):
    """Makes known the parameters that a sharded module has only while it runs."""

    def __init__(self, switch: Switch, known: Known) -> None:
        self.switch = switch
        self.known = known

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if not torch.compiler.is_compiling():
            self.known.update((id(p), weakref.ref(p)) for p in module.parameters())


def _is_sharded(module: nn.Module) -> bool:
    return hasattr(type(module), "unshard")


def _tensors_in(tree: Any, depth: int = 3) -> list[Tensor]:
    """Tensors that a tree of containers and plain objects holds openly."""
    found = []
    for leaf in tree_leaves(tree):
        if isinstance(leaf, Tensor):
            found.append(leaf)
        elif depth and hasattr(leaf, "__dict__") and not _is_large(leaf):
            found += _tensors_in(dict(leaf.__dict__), depth - 1)
    return found


def _is_large(leaf: object) -> bool:
    return isinstance(leaf, nn.Module | type) or callable(leaf)


_THE_INPUT = (
    "the input requires grad while a GradientMask is attached on the signal route (or "
    "another tensor that is no parameter of the network): its gradient would be masked"
)
_DECEIVES = (
    ", and an attack or a saliency map made from it would deceive you. Use "
    "model.eval() or handle.paused(); if it is meant (a sub-network, say), attach with "
    "allow_input_grad=True"
)


def _is_computed(leaf: Any) -> bool:
    try:
        return bool(torch._C._will_engine_execute_node(leaf))
    except RuntimeError:  # so it says of a leaf that autograd.grad was asked for
        return True


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
