"""Which modules of a network a mask can act on, and why not on others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

__all__ = [
    "ACTIVATIONS",
    "CHANNELS_LAST",
    "NORMALISATIONS",
    "Axes",
    "Layers",
    "axes_in_question",
    "choose",
    "computes_otherwise",
    "follows_linear",
    "types_in",
    "types_without_maps",
    "unfit_for_signal",
    "unfit_for_weights",
]

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
NORMALISATIONS = (
    nn.BatchNorm2d, nn.SyncBatchNorm, nn.GroupNorm, nn.InstanceNorm2d,
    nn.LazyBatchNorm2d, nn.LazyInstanceNorm2d,
)  # fmt: skip
CHANNELS_LAST = "its channels come last"

_CONVOLVING = nn.Conv2d.forward, nn.Conv2d._conv_forward


def choose(modules: dict[str, nn.Module], layers: Layers) -> tuple[list[str], bool]:
    """Names of the modules that match, and whether they were asked for by name."""
    types: Any = layers if isinstance(layers, tuple) else (layers,)
    if all(isinstance(t, type) for t in types):
        return [name for name, m in modules.items() if isinstance(m, types)], False
    if callable(layers) and not isinstance(layers, nn.Module):
        return [name for name, m in modules.items() if layers(name, m)], False
    names = _names(modules, layers)
    unknown = [name for name in names if name not in modules]
    if unknown:
        raise ValueError(
            f"the model has no module named {', '.join(map(repr, unknown))}; it has "
            + ", ".join(map(repr, filter(None, modules)))
        )
    return names, True


def _names(modules: dict[str, nn.Module], layers: object) -> list[str]:
    if isinstance(layers, str):
        return [layers]
    given: list[Any] = [layers]
    if isinstance(layers, Iterable) and not isinstance(layers, nn.Module):
        given = list(layers)
        if all(isinstance(name, str) for name in given):
            return list(dict.fromkeys(given))
    meant = [name for name, m in modules.items() if any(m is one for one in given)]
    raise TypeError(
        "layers: pass names, types (several in a tuple) or a predicate "
        f"(name, module) -> bool, got {layers!r}"
        + (f"; you mean perhaps layers={meant}" if meant else "")
    )


def types_in(modules: dict[str, nn.Module]) -> str:
    """List the types of a network's modules, for an error message."""
    return ", ".join(sorted({type(module).__name__ for module in modules.values()}))


def types_without_maps(modules: dict[str, nn.Module]) -> str:
    """List the convolutions of a network if none is two-dimensional, else nothing."""
    kinds = {type(m).__name__ for m in modules.values() if isinstance(m, _ConvNd)}
    flat = any(isinstance(m, nn.Conv2d | nn.ConvTranspose2d) for m in modules.values())
    return "" if flat else " and ".join(sorted(kinds))


def unfit_for_signal(modules: dict[str, nn.Module], name: str) -> str | None:
    """Why the error at a module cannot be masked, if so."""
    if isinstance(modules[name], ACTIVATIONS) and follows_linear(modules, name):
        return f"it follows a Linear layer, so {CHANNELS_LAST}"
    return None


def unfit_for_weights(modules: dict[str, nn.Module], name: str) -> str | None:
    """Why the error that a module's weights see cannot be masked, if so."""
    module = modules[name]
    kind = type(module).__name__
    if not isinstance(module, nn.Conv2d):
        return f"the weights route masks Conv2d only, not {kind}"
    if why := computes_otherwise(module):
        return why
    return _unfit_parameters(module)


def computes_otherwise(conv: nn.Conv2d) -> str | None:
    """Why a convolution's output is not what its class computes, if so; it is cheap."""
    kind = type(conv)
    own = kind.forward, kind._conv_forward
    patched = "forward" in conv.__dict__ or "_conv_forward" in conv.__dict__
    if patched or own != _CONVOLVING:
        return f"{kind.__name__} computes its convolution in its own way"
    return None


def _unfit_parameters(conv: nn.Conv2d) -> str | None:
    parametrised: Any = getattr(conv, "parametrizations", {})
    for name in ("weight", "bias"):
        if name in parametrised and [*parametrised[name].buffers()]:
            return f"its parametrised {name} keeps a state that reading it would change"
        if hasattr(type(conv), name) and _draws(conv, name):
            return f"its {name} draws at random, anew at every reading"
    return None


def _draws(conv: nn.Conv2d, name: str) -> bool:
    """Whether reading a parameter gives another one every time, or uses up chance."""
    modes = [(m, m.training) for m in conv.modules()]
    device = next(p.device for p in conv.parameters())
    cuda = device.type == "cuda"
    with torch.random.fork_rng([device] if cuda else []), torch.no_grad():
        try:
            conv.train()
            states = [_state(device)]
            values = [getattr(conv, name).clone() for _ in range(2)]
            states.append(_state(device))
        finally:
            for module, mode in modes:
                module.training = mode
    return not (values[0].equal(values[1]) and all(map(torch.equal, *states)))


def _state(device: torch.device) -> list[Tensor]:
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return states


@dataclass(frozen=True)
class Axes:
    """How many channels maps of a block have where they stand first, and last."""

    first: frozenset[int]
    last: frozenset[int]


def axes_in_question(modules: dict[str, nn.Module], name: str) -> Axes | None:
    """Where channels may stand, if registration leaves open on which axis.

    So it is in a block that holds linear layers or layer normalisations itself, where
    none of convolutions is the module's last neighbour.
    """
    if not name:
        return None
    parent_name, _, child = name.rpartition(".")
    siblings = modules[parent_name]._modules
    last = [m for m in siblings.values() if isinstance(m, nn.Linear | nn.LayerNorm)]
    before = [siblings[s] for s in list(siblings)[: list(siblings).index(child)]]
    spatial = (_ConvNd, *NORMALISATIONS, nn.Sequential)
    telling = [m for m in before if m in last or isinstance(m, spatial)]
    if not last or (telling and isinstance(telling[-1], spatial)):
        return None
    convolutions = [m for m in siblings.values() if isinstance(m, _ConvNd)]
    first = {n for m in convolutions for n in (m.in_channels, m.out_channels)}
    return Axes(frozenset(first), frozenset(n for m in last for n in _widths(m)))


def _widths(module: nn.Module) -> tuple[int, ...]:
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    assert isinstance(module, nn.LayerNorm)
    return module.normalized_shape[-1:]


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
