"""The guard of the network's input, whose gradient is not to be a masked one."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from gradmask.masking.graph import in_backward, layers_of, leaves, node_of
from gradmask.masking.site import Hook, Site, Switch, carries_gradients

__all__ = ["InputGuard"]

Known = dict[int, weakref.ref[Any]]


class InputGuard(Hook):
    """Refuses to let an attack or a saliency map be computed through the mask.

    What the network is handed openly is looked at when it is called.  Whatever holds
    the input, its gradient has to pass the masks: there the graph behind a map may end
    in the network's own parameters only, and a backward pass must compute the gradient
    of a leaf.
    """

    def __init__(self, switch: Switch, model: nn.Module, sites: Sequence[Site]) -> None:
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
        """Raise, before a pass, where the network is handed what carries gradients."""
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
