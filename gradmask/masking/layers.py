"""Which modules of a network a mask can act on, and why not on others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch import nn

__all__ = [
    "ACTIVATIONS",
    "NORMALISATIONS",
    "Layers",
    "choose",
    "follows_linear",
    "types_in",
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
NORMALISATIONS = (nn.BatchNorm2d, nn.SyncBatchNorm, nn.GroupNorm, nn.InstanceNorm2d)


def choose(modules: dict[str, nn.Module], layers: Layers) -> tuple[list[str], bool]:
    """Names of the modules that match, and whether they were asked for by name."""
    types: Any = layers if isinstance(layers, tuple) else (layers,)
    if all(isinstance(t, type) for t in types):
        return [name for name, m in modules.items() if isinstance(m, types)], False
    if callable(layers) and not isinstance(layers, nn.Module):
        return [name for name, m in modules.items() if layers(name, m)], False
    names = _names(layers)
    unknown = [name for name in names if name not in modules]
    if unknown:
        raise ValueError(
            f"the model has no module named {', '.join(map(repr, unknown))}; it has "
            + ", ".join(map(repr, filter(None, modules)))
        )
    return names, True


def _names(layers: object) -> list[str]:
    if isinstance(layers, str):
        return [layers]
    if isinstance(layers, Iterable) and not isinstance(layers, nn.Module):
        names = list(layers)
        if all(isinstance(name, str) for name in names):
            return list(dict.fromkeys(names))
    raise TypeError(
        "layers: pass names, types (several in a tuple) or a predicate "
        f"(name, module) -> bool, got {layers!r}"
    )


def types_in(modules: dict[str, nn.Module]) -> str:
    """List the types of a network's modules, for an error message."""
    return ", ".join(sorted({type(module).__name__ for module in modules.values()}))


def unfit_for_signal(modules: dict[str, nn.Module], name: str) -> str | None:
    """Why the error at a module cannot be masked, if so."""
    if isinstance(modules[name], ACTIVATIONS) and follows_linear(modules, name):
        return "it follows a Linear layer, so its channels come last"
    return None


def unfit_for_weights(modules: dict[str, nn.Module], name: str) -> str | None:
    """Why the error that a module's weights see cannot be masked, if so."""
    module = modules[name]
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
