"""The signal route: the masked error flows on, to everything below.

A site stands at a feature map, an activation's input or any other module's output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gradmask.masking.graph import channels_last, node_of
from gradmask.masking.input_guard import InputGuard
from gradmask.masking.layers import (
    ACTIVATIONS,
    CHANNELS_LAST,
    Axes,
    axes_in_question,
    unfit_for_signal,
)
from gradmask.masking.signal_node import mask_signal
from gradmask.masking.site import Site, Switch

__all__ = ["SignalRoute"]


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
