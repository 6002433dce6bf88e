"""Attaching a mask to a network, and undoing it without a trace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from gradmask.fused import engine
from gradmask.masking.census import Census
from gradmask.masking.layers import (
    NORMALISATIONS,
    Layers,
    choose,
    types_in,
    types_without_maps,
)
from gradmask.masking.signal import SignalRoute
from gradmask.masking.site import Hook, Mask, Site, Switch, hooks_of
from gradmask.masking.weights import WeightsRoute

__all__ = ["Handle", "attach"]


class Handle:
    """What :meth:`gradmask.GradientMask.attach` returns; a context manager.

    Leaving its block removes the mask, also when the block raised.

    Attributes
    ----------
    sites : tuple of str
        Names of the attached modules.
    skipped : dict of str to str
        Modules of the right kind that were passed over, and why.  Some reasons are
        known after the first masked pass only.
    active : bool
        False inside :meth:`paused` and after :meth:`remove`.
    strengths : dict of str to float
        Of a steered :class:`gradmask.SoftMask`, what every convolution has found so
        far.
    generators : tuple of torch.Generator
        What the random control has drawn from so far, one for each device.  Register
        them with a CUDA graph before a step is captured, that its replays draw anew:
        ``graph.register_generator_state(generator)``.
    """

    def __init__(
        self,
        title: str,
        switch: Switch,
        model: nn.Module,
        sites: list[Site],
        hooks: list[RemovableHandle],
        skipped: dict[str, str],
    ) -> None:
        self._skipped = skipped
        self._title = title
        self._model = model
        self._switch = switch
        self._sites = sites
        self._hooks = hooks

    @property
    def sites(self) -> tuple[str, ...]:  # noqa: D102
        return tuple(site.name for site in self._sites if not site.skipped)

    @property
    def skipped(self) -> dict[str, str]:  # noqa: D102
        found = {site.name: site.skipped for site in self._sites if site.skipped}
        return self._skipped | found

    @property
    def active(self) -> bool:  # noqa: D102
        return self._switch.active

    @property
    def strengths(self) -> dict[str, float]:  # noqa: D102
        steered = {site.name: site.strength for site in self._sites}
        return {name: s for name, s in steered.items() if s is not None}

    @property
    def generators(self) -> tuple[torch.Generator, ...]:  # noqa: D102
        return self._switch.generators

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Plain gradients inside the block, for every pass that touches it."""
        with self._switch.paused():
            yield

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Let a steered mask find its strengths from the passes inside the block.

        Make at least two, of different samples and at the same weights: the halves of
        a batch, whose gradients add up to those of a step.

        Raises
        ------
        RuntimeError
            If the mask is not steered; afterwards, if no convolution saw two passes.
            Compiled code measures nothing.
        """
        if not self.strengths:
            raise RuntimeError("only a steered SoftMask measures; this mask is not")
        self._switch.measuring = True
        try:
            yield
        finally:
            self._switch.measuring = False
            settled = [site.settle() for site in self._sites]
        if not any(settled):
            raise RuntimeError(
                "nothing was measured: make at least two passes, forward and backward, "
                "in training mode and not compiled"
            )

    def remove(self) -> None:
        """Detach everything; calling it again does nothing."""
        self._switch.remove()
        if self._hooks:
            for hook in self._hooks:
                hook.remove()
            self._hooks.clear()
            # Tools that exchange modules take hooks along.
            for module in self._model.modules():
                for hooks in (module._forward_pre_hooks, module._forward_hooks):
                    ours = [i for i, hook in hooks.items() if self._owns(hook)]
                    for i in ours:
                        del hooks[i]
            _forget_compiled_code()

    def _owns(self, hook: object) -> bool:
        return isinstance(hook, Hook) and hook.switch is self._switch

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        state = "active" if self.active else "paused" if self._hooks else "removed"
        sites = [site for site in self._sites if not site.skipped]
        by = engine(next(self._model.parameters(), torch.empty(0)))
        count = "1 site" if len(sites) == 1 else f"{len(sites)} sites"
        lines = [f"{self._title}, {by}, {state}, at {count}:"]
        lines += [f"  {s.name or '(root)'}: {s.kind}{s.remark}" for s in sites]
        lines += [f"  skipped {name}: {why}" for name, why in self.skipped.items()]
        return "\n".join(lines)


def attach(
    model: nn.Module,
    layers: Layers | None,
    route: SignalRoute | WeightsRoute,
    mask: Mask,
    *,
    seed: int | None = None,
    title: str = "",
) -> Handle:
    """Attach a mask to a network; see :meth:`gradmask.GradientMask.attach`.

    The seed, if any, is that of the generators that the mask is handed.
    """
    modules = dict(model.named_modules())
    if any(isinstance(module, torch.jit.ScriptModule) for module in modules.values()):
        raise TypeError(
            "torch.jit.script and torch.jit.trace leave no module that a mask could "
            "see; attach to the network as it was before, or use torch.compile"
        )
    chosen, by_name = choose(modules, route.default if layers is None else layers)
    reasons = {}
    for name in chosen:
        if any(isinstance(hook, Site) for hook in hooks_of(modules[name])):
            raise ValueError(
                f"a GradientMask is attached to {name!r} already; remove it first"
            )
        if why := route.unfit(modules, name):
            reasons[name] = why
    if reasons and by_name:
        raise ValueError(_listing("cannot attach to", reasons))
    fit = {name: modules[name] for name in chosen if name not in reasons}
    if not fit:
        raise ValueError(
            f"nothing to attach to: no module matches layers={layers!r}. The model has "
            f"modules of the types {types_in(modules)}; functional calls such as "
            "F.relu cannot be seen"
            + (_listing(". Skipped", reasons) if reasons else "")
        )
    if (kinds := types_without_maps(modules)) and not by_name:
        raise ValueError(
            f"nothing to attach to: the network convolves by {kinds} only, and masks "
            "are for maps of shape (B, C, H, W)"
        )
    switch = Switch(mask, seed)
    sites, hooks = route.place(model, fit, switch)
    census = Census(switch, model, sites, (*NORMALISATIONS, nn.Conv2d), route.unfit)
    hooks.append(model.register_forward_pre_hook(census))
    sites[0].look = census.look  # compiled code leaves a network's own hook out
    _forget_compiled_code()
    return Handle(title, switch, model, sites, hooks, reasons)


def _listing(title: str, reasons: dict[str, str]) -> str:
    return f"{title} " + "; ".join(f"{name!r}: {why}" for name, why in reasons.items())


def _forget_compiled_code() -> None:
    """Have compiled networks traced anew: torch.compile does not guard on hooks."""
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()
