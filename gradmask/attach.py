"""Attaching a Gradient Mask to a network, and undoing it without a trace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gradmask.routes import Normalisation, mask_signal, mask_weights

if TYPE_CHECKING:
    from gradmask.inhibition import GradientMask

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
        self._sites: list[_Site] = []
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
            self.active = before

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
        lines = [f"{self.inhibition}, {state}, at {len(self._sites)} sites:"]
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
        return delta if mask is None else delta * mask

    def _generator(self, device: torch.device) -> torch.Generator | None:
        if self.inhibition.select != "random":
            return None
        if device not in self._generators:
            generator = torch.Generator(device)
            self._generators[device] = generator.manual_seed(self.inhibition.seed)
        return self._generators[device]

    def _refuse_input_grad(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        if not (self.active and torch.is_grad_enabled()):
            return
        if not any(site.module.training for site in self._sites):
            return
        inputs = (*args, *kwargs.values())
        if any(isinstance(t, Tensor) and t.requires_grad for t in inputs):
            raise RuntimeError(
                "the input requires grad while a GradientMask is attached on the "
                "signal route: its gradient would be masked, and an attack or a "
                "saliency map made from it would deceive you. Use model.eval() or handle.paused(); "
                "if it is meant (a sub-network, say), attach with allow_input_grad=True"
            )


class _Site:
    """A forward (pre-)hook at one module.  Copies of the model carry an inert one."""

    def __init__(self, handle: Handle, name: str, module: nn.Module) -> None:
        self.handle = handle
        self.name = name
        self.module = module
        self.kind = type(module).__name__
        self.contribution = handle.inhibition.energy == "contribution"

    def masked(self, delta: Tensor, energy: Tensor | None = None) -> Tensor:
        return self.handle.masked(delta, energy)

    def wants(self, t: object) -> bool:
        """Whether the mask is on and t is a feature map that carries gradients."""
        if not (self.handle.active and self.module.training):
            return False
        if not isinstance(t, Tensor):
            raise TypeError(
                f"{self.name} ({self.kind}) hands on a {type(t).__name__}, not a "
                "tensor; attach to a module inside it"
            )
        return torch.is_grad_enabled() and t.requires_grad and t.dim() == 4

    def __reduce__(self) -> tuple[type[_Inert], tuple[()]]:
        return _Inert, ()


class _InputSite(_Site):
    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> Any:
        if not args or not self.wants(args[0]):
            return None
        inplace = getattr(module, "inplace", False)
        return (mask_signal(args[0], self.masked, inplace=inplace), *args[1:])


class _OutputSite(_Site):
    def __call__(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        return mask_signal(output, self.masked) if self.wants(output) else None


class _WeightsSite(_Site):
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(self, module: nn.Conv2d, args: tuple[Any, ...], output: Any) -> Any:
        if not self.wants(output):
            return None
        following = Normalisation()
        output = mask_weights(module, args[0], output, self, following)
        output._gradmask_following = following
        return output


class _NormalisationSite(_Site):
    """Tells the convolution, whose output arrives here, how it is normalised."""

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        following = getattr(args[0], "_gradmask_following", None) if args else None
        if following is None or not _uses_own_statistics(module):
            return
        following.z = args[0].detach()
        if isinstance(module, nn.GroupNorm):
            following.groups = module.num_groups
        elif isinstance(module, nn.InstanceNorm2d):
            following.groups = args[0].shape[1]


class _Inert:
    def __call__(self, *args: Any) -> None:
        return None

    def __reduce__(self) -> tuple[type[_Inert], tuple[()]]:
        return _Inert, ()


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
    chosen = _choose(modules, default if layers is None else layers)
    reasons = {
        name: why for name in chosen if (why := _unfit(modules, name, on_weights))
    }
    if reasons and layers is not None:
        raise ValueError(_listing("cannot attach to", reasons))
    fit = [name for name in chosen if name not in reasons]
    if not fit:
        kinds = sorted({type(module).__name__ for module in modules.values()})
        raise ValueError(
            f"nothing to attach to: no module matches layers={layers!r}. The model has "
            f"modules of the types {', '.join(kinds)}; functional calls such as F.relu "
            "cannot be seen" + (_listing(". Skipped", reasons) if reasons else "")
        )
    handle = Handle(inhibition, reasons)
    for name in fit:
        _attach_site(handle, name, modules[name])
    if on_weights and inhibition.project:
        for name, module in modules.items():
            if isinstance(module, _NORMALISATIONS):
                hook = _NormalisationSite(handle, name, module)
                handle._hooks.append(module.register_forward_pre_hook(hook))
    if not on_weights and not allow_input_grad:
        handle._hooks.append(
            model.register_forward_pre_hook(handle._refuse_input_grad, with_kwargs=True)
        )
    _forget_compiled_code()
    return handle


_NORMALISATIONS = (nn.BatchNorm2d, nn.SyncBatchNorm, nn.GroupNorm, nn.InstanceNorm2d)


def _attach_site(handle: Handle, name: str, module: nn.Module) -> None:
    if handle.inhibition.route == "weights":
        site: _Site = _WeightsSite(handle, name, module)
        hook = module.register_forward_hook(site, prepend=True)  # type: ignore[arg-type]
    elif isinstance(module, ACTIVATIONS):
        site = _InputSite(handle, name, module)
        hook = module.register_forward_pre_hook(site)
    else:
        site = _OutputSite(handle, name, module)
        hook = module.register_forward_hook(site)
    handle._sites.append(site)
    handle._hooks.append(hook)


def _choose(modules: dict[str, nn.Module], layers: Layers) -> list[str]:
    if isinstance(layers, str):
        layers = [layers]
    if isinstance(layers, type | tuple):
        return [name for name, module in modules.items() if isinstance(module, layers)]
    if callable(layers):
        return [name for name, module in modules.items() if layers(name, module)]
    unknown = [name for name in layers if name not in modules]
    if unknown:
        raise ValueError(
            f"the model has no module named {', '.join(map(repr, unknown))}; it has "
            + ", ".join(map(repr, filter(None, modules)))
        )
    return list(layers)


def _unfit(modules: dict[str, nn.Module], name: str, on_weights: bool) -> str | None:
    module = modules[name]
    hooks = (*module._forward_pre_hooks.values(), *module._forward_hooks.values())
    if any(isinstance(hook, _Site) for hook in hooks):
        raise ValueError(
            f"a GradientMask is attached to {name!r} already; remove it first"
        )
    if on_weights:
        if not isinstance(module, nn.Conv2d):
            return f"the weights route masks Conv2d only, not {type(module).__name__}"
        if type(module)._conv_forward is not nn.Conv2d._conv_forward or (
            type(module).forward is not nn.Conv2d.forward
        ):
            return f"{type(module).__name__} computes its convolution in its own way"
    elif isinstance(module, ACTIVATIONS) and _follows_linear(modules, name):
        return "it follows a Linear layer, so its channels come last"
    return None


def _follows_linear(modules: dict[str, nn.Module], name: str) -> bool:
    parent, _, child = name.rpartition(".")
    if not isinstance(modules.get(parent), nn.Sequential) or not name:
        return False
    before = list(modules[parent]._modules.values())
    before = before[: list(modules[parent]._modules).index(child)]
    shapeless = (nn.Dropout, nn.LayerNorm, nn.Identity, *ACTIVATIONS)
    meaningful = [m for m in before if not isinstance(m, shapeless)]
    return bool(meaningful) and isinstance(meaningful[-1], nn.Linear)


def _uses_own_statistics(module: nn.Module) -> bool:
    if isinstance(module, nn.GroupNorm):
        return True
    return module.training or getattr(module, "running_mean", None) is None


def _listing(title: str, reasons: dict[str, str]) -> str:
    return f"{title} " + "; ".join(f"{name!r}: {why}" for name, why in reasons.items())


def _forget_compiled_code() -> None:
    """Have compiled networks traced anew: torch.compile does not guard on hooks."""
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()
