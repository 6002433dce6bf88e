"""Attaching a Gradient Mask to a network, and undoing it without a trace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gradmask.masking.sites import (
    InputGuard,
    InputSite,
    NormalisationHook,
    OutputSite,
    Site,
    WeightsSite,
)

if TYPE_CHECKING:
    from gradmask.gradient_mask import GradientMask

__all__ = ["Handle", "Layers", "attach"]

Layers = (
    type[nn.Module]
    | tuple[type[nn.Module], ...]
    | str
    | Sequence[str]
    | Callable[[str, nn.Module], bool]
)

ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.CELU, nn.SELU,
    nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish, nn.Softplus,
)  # fmt: skip
NORMALISATIONS = (nn.BatchNorm2d, nn.SyncBatchNorm, nn.GroupNorm, nn.InstanceNorm2d)


class Handle:
    """What :meth:`gradmask.GradientMask.attach` returns; a context manager.

    Leaving its block removes the mask, also when the block raised.

    Attributes
    ----------
    sites : tuple of str
        Names of the attached modules.
    skipped : dict of str to str
        Modules of the right kind that were passed over, and why.
    active : bool
        False inside :meth:`paused` and after :meth:`remove`.
    """

    def __init__(self, inhibition: GradientMask, skipped: dict[str, str]) -> None:
        self.inhibition = inhibition
        self.skipped = skipped
        self.active = True
        self._sites: list[Site] = []
        self._hooks: list[RemovableHandle] = []
        self._generators: dict[torch.device, torch.Generator] = {}

    @property
    def sites(self) -> tuple[str, ...]:  # noqa: D102
        return tuple(site.name for site in self._sites)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Plain gradients inside the block, for every pass that touches it."""
        before, self.active = self.active, False
        try:
            yield
        finally:
            self.active = before and bool(self._hooks)

    def remove(self) -> None:
        """Detach everything; calling it again does nothing."""
        self.active = False
        if self._hooks:
            for hook in self._hooks:
                hook.remove()
            self._hooks.clear()
            _forget_compiled_code()

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        state = "active" if self.active else "paused" if self._hooks else "removed"
        count = "1 site" if len(self._sites) == 1 else f"{len(self._sites)} sites"
        lines = [f"{self.inhibition}, {state}, at {count}:"]
        lines += [f"  {site.name or '(root)'}: {site.kind}" for site in self._sites]
        lines += [f"  skipped {name}: {why}" for name, why in self.skipped.items()]
        return "\n".join(lines)

    def masked(self, delta: Tensor, energy: Tensor | None = None) -> Tensor:
        """Return the masked error, or delta itself where nothing is to be masked."""
        if not self.active:
            return delta
        with torch.no_grad():
            mask = self.inhibition.mask(
                delta, energy=energy, generator=self._generator(delta.device)
            )
        return delta if mask is None else delta * mask.to(delta.dtype)

    def _generator(self, device: torch.device) -> torch.Generator | None:
        if self.inhibition.select != "random":
            return None
        if device not in self._generators:
            generator = torch.Generator(device)
            self._generators[device] = generator.manual_seed(self.inhibition.seed)
        return self._generators[device]


def attach(
    inhibition: GradientMask,
    model: nn.Module,
    layers: Layers | None = None,
    allow_input_grad: bool = False,
) -> Handle:
    """Attach a mask to a network; see :meth:`gradmask.GradientMask.attach`."""
    modules = dict(model.named_modules())
    on_weights = inhibition.route == "weights"
    default: Layers = nn.Conv2d if on_weights else ACTIVATIONS
    chosen, by_name = choose(modules, default if layers is None else layers)
    reasons = {
        name: why for name in chosen if (why := _unfit(modules, name, on_weights))
    }
    if reasons and by_name:
        raise ValueError(_listing("cannot attach to", reasons))
    fit = [name for name in chosen if name not in reasons]
    if not fit:
        raise ValueError(
            f"nothing to attach to: no module matches layers={layers!r}. The model has "
            f"modules of the types {types_in(modules)}; functional calls such as "
            "F.relu cannot be seen"
            + (_listing(". Skipped", reasons) if reasons else "")
        )
    handle = Handle(inhibition, reasons)
    for name in fit:
        _attach_site(handle, name, modules[name])
    if on_weights and inhibition.project:
        handle._hooks += [
            module.register_forward_pre_hook(NormalisationHook())
            for module in modules.values()
            if isinstance(module, NORMALISATIONS)
        ]
    if not on_weights and not allow_input_grad:
        guard = InputGuard(handle, handle._sites)
        hook = model.register_forward_pre_hook(guard, with_kwargs=True)
        handle._hooks.append(hook)
    _forget_compiled_code()
    return handle


def _attach_site(handle: Handle, name: str, module: nn.Module) -> None:
    if handle.inhibition.route == "weights":
        by_contribution = handle.inhibition.energy == "contribution"
        site: Site = WeightsSite(handle, name, module, by_contribution)
        hook = module.register_forward_hook(site, prepend=True)  # type: ignore[arg-type]
    elif isinstance(module, ACTIVATIONS):
        site = InputSite(handle, name, module)
        hook = module.register_forward_pre_hook(site)
    else:
        site = OutputSite(handle, name, module)
        hook = module.register_forward_hook(site)
    handle._sites.append(site)
    handle._hooks.append(hook)


def choose(modules: dict[str, nn.Module], layers: Layers) -> tuple[list[str], bool]:
    """Names of the modules that match, and whether they were asked for by name."""
    types: Any = layers if isinstance(layers, tuple) else (layers,)
    if all(isinstance(t, type) for t in types):
        return [name for name, m in modules.items() if isinstance(m, types)], False
    if callable(layers):
        return [name for name, m in modules.items() if layers(name, m)], False
    given = [layers] if isinstance(layers, str) else cast(Sequence[str], layers)
    names = list(dict.fromkeys(given))
    unknown = [name for name in names if name not in modules]
    if unknown:
        raise ValueError(
            f"the model has no module named {', '.join(map(repr, unknown))}; it has "
            + ", ".join(map(repr, filter(None, modules)))
        )
    return names, True


def types_in(modules: dict[str, nn.Module]) -> str:
    """List the types of a network's modules, for an error message."""
    return ", ".join(sorted({type(module).__name__ for module in modules.values()}))


def _unfit(modules: dict[str, nn.Module], name: str, on_weights: bool) -> str | None:
    module = modules[name]
    hooks = (*module._forward_pre_hooks.values(), *module._forward_hooks.values())
    if any(isinstance(hook, Site) for hook in hooks):
        raise ValueError(
            f"a GradientMask is attached to {name!r} already; remove it first"
        )
    if on_weights:
        return _unfit_convolution(module)
    if isinstance(module, ACTIVATIONS) and follows_linear(modules, name):
        return "it follows a Linear layer, so its channels come last"
    return None


def _unfit_convolution(module: nn.Module) -> str | None:
    kind = type(module).__name__
    if not isinstance(module, nn.Conv2d):
        return f"the weights route masks Conv2d only, not {kind}"
    own = (type(module).forward, type(module)._conv_forward)
    if own != (nn.Conv2d.forward, nn.Conv2d._conv_forward):
        return f"{kind} computes its convolution in its own way"
    parametrised = getattr(module, "parametrizations", {})
    if "weight" in parametrised and [*parametrised["weight"].buffers()]:
        return "its parametrised weight keeps a state that reading it would change"
    return None


def follows_linear(modules: dict[str, nn.Module], name: str) -> bool:
    """Whether an activation stands in a perceptron, which may work channels-last.

    Elsewhere than in a Sequential the order of registration need not be that of
    execution: there, only a parent without any convolution counts as a perceptron.
    """
    if not name:
        return False
    parent_name, _, child = name.rpartition(".")
    parent = modules[parent_name]
    ordered = isinstance(parent, nn.Sequential)
    if not ordered and any(isinstance(m, nn.Conv2d) for m in parent.modules()):
        return False
    siblings = list(parent._modules)
    before = [parent._modules[s] for s in siblings[: siblings.index(child)]]
    shapeless = (nn.Dropout, nn.LayerNorm, nn.Identity, *ACTIVATIONS)
    meaningful = [m for m in before if not isinstance(m, shapeless)]
    return bool(meaningful) and isinstance(meaningful[-1], nn.Linear)


def _listing(title: str, reasons: dict[str, str]) -> str:
    return f"{title} " + "; ".join(f"{name!r}: {why}" for name, why in reasons.items())


def _forget_compiled_code() -> None:
    """Have compiled networks traced anew: torch.compile does not guard on hooks."""
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()
