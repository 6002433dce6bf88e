"""Noticing that modules of a network were exchanged after a mask was attached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from gradmask.masking.site import AGAIN, Hook, Site, Switch

__all__ = ["Census"]


class Census(Hook):
    """Refuses a masked pass of a network whose modules are not those of before.

    Tools that convert a network put other modules in the place of its own, which no
    hook would see.  A changed read-out is none of the mask's business.

    Parameters
    ----------
    switch : Switch
        The mask's.
    model : nn.Module
        The network.
    sites : list of Site
        Where it is masked.
    concerns : types
        Modules that matter to the route, masked or not.
    unfit : callable
        Why a named module cannot be masked, if so.
    """

    def __init__(
        self,
        switch: Switch,
        model: nn.Module,
        sites: list[Site],
        concerns: tuple[type[nn.Module], ...],
        unfit: Callable[[dict[str, nn.Module], str], str | None],
    ) -> None:
        self.switch = switch
        self.model = model
        self.sites = sites
        self.concerns = concerns
        self.unfit = unfit
        self.children = _children(model)
        self.before = self._concerned()

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:  # noqa: D102
        if torch.compiler.is_compiling() or not any(site.on() for site in self.sites):
            return
        if all(site.skipped for site in self.sites):
            raise RuntimeError(
                "a pass has shown that a GradientMask masks nothing here: "
                + "; ".join(f"{site.called}: {site.skipped}" for site in self.sites)
                + f"; {AGAIN}, to other layers or with route='weights'"
            )
        self.look()

    def look(self) -> None:
        """Raise if the modules are not those of before."""
        if all(tuple(now.values()) == before for now, before in self.children):
            return
        now = self._concerned()
        changed = sorted(
            name
            for name in self.before.keys() | now.keys()
            if self.before.get(name) is not now.get(name)
        )
        if changed:
            raise RuntimeError(
                "modules of the network were exchanged after a GradientMask was "
                "attached: "
                + ", ".join(_was(n, self.before.get(n), now.get(n)) for n in changed)
                + f"; {AGAIN}"
            )
        modules = dict(self.model.named_modules())
        for site in self.sites:
            if why := self.unfit(modules, site.name):
                raise RuntimeError(f"{site.called} cannot be masked: {why}; {AGAIN}")
        self.children = _children(self.model)

    def _concerned(self) -> dict[str, nn.Module]:
        known = {id(site.module) for site in self.sites}
        return {
            name: module
            for name, module in self.model.named_modules()
            if id(module) in known or isinstance(module, self.concerns)
        }


def _children(model: nn.Module) -> list[tuple[dict[str, Any], tuple[Any, ...]]]:
    return [(m._modules, tuple(m._modules.values())) for m in model.modules()]


def _was(name: str, before: nn.Module | None, now: nn.Module | None) -> str:
    kinds = ["gone" if m is None else type(m).__name__ for m in (before, now)]
    if before is None:
        return f"{name!r} is new ({kinds[1]})"
    return f"{name!r} was a {kinds[0]} and is " + (
        "gone" if now is None else f"a {kinds[1]}"
    )
