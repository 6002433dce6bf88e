"""What both routes share: the switch that masks an error, and the hook that asks it.

No hook holds a tensor between passes, and copies of a network carry inert ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gradmask.masking.graph import layers_of

__all__ = [
    "AGAIN",
    "Hook",
    "Mask",
    "Site",
    "Switch",
    "alias",
    "carries_gradients",
    "hook_first",
    "hooks_of",
    "paused",
]


class Mask(Protocol):
    """What a route needs of a mask: a :class:`gradmask.GradientMask` is one."""

    def reaches(self, height: int, width: int) -> bool:
        """Whether maps of height by width positions are masked at all."""

    def masked(
        self,
        delta: Tensor,
        *,
        energy: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return the masked error, or delta itself to keep everything."""


class Switch:
    """One mask at work on one network: on, paused, or off for good.

    With a seed it hands the mask a random generator for each device.
    """

    def __init__(self, mask: Mask, seed: int | None = None) -> None:
        self.mask = mask
        self.seed = seed
        self.active = True
        self.removed = False
        self.measuring = False
        self._generators: dict[torch.device, torch.Generator] = {}

    def masked(self, delta: Tensor, energy: Tensor | None = None) -> Tensor:
        """Return the masked error, or delta itself where nothing is to be masked."""
        if not self.active or delta.numel() == 0:
            return delta
        generator = self._generator(delta.device)
        return self.mask.masked(delta, energy=energy, generator=generator)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Plain gradients inside the block, for every pass that touches it."""
        before, self.active = self.active, False
        try:
            yield
        finally:
            self.active = before and not self.removed

    def remove(self) -> None:
        """Mask nothing ever again, also after a pause that has begun."""
        self.active, self.removed = False, True

    @property
    def generators(self) -> tuple[torch.Generator, ...]:
        """The random generators that the mask has been handed."""
        return tuple(self._generators.values())

    def _generator(self, device: torch.device) -> torch.Generator | None:
        if self.seed is None:
            return None
        if device not in self._generators:
            generator = torch.Generator(device)
            self._generators[device] = generator.manual_seed(self.seed)
        return self._generators[device]


class Hook:
    """A hook that deep copies and pickles of its module do not take along."""

    switch: Switch

    def __reduce__(self) -> tuple[Callable[[], Callable[..., None]], tuple[()]]:
        return _inert, ()


def _inert() -> Callable[..., None]:
    return _nothing


def _nothing(*args: object) -> None:
    pass


class Site(Hook):
    """A module at which errors are masked.

    Attributes
    ----------
    fits : bool
        Whether a pass found a map here that can be masked.
    masked_once : bool
        Whether an error was masked here.
    unfit : str or None
        What the last pass found here that cannot be masked.
    whole : str or None
        What the last pass kept whole, though it could be masked.
    """

    look: Callable[[], None] | None = None

    def __init__(self, switch: Switch, name: str, module: nn.Module) -> None:
        self.switch = switch
        self.name = name
        self.module = module
        self.fits = self.masked_once = False
        self.unfit: str | None = None
        self.whole: str | None = None

    @property
    def kind(self) -> str:
        """Type of the module, as it is now."""
        return type(self.module).__name__

    @property
    def called(self) -> str:
        """Name and type of the module, for messages."""
        return f"{self.name or '(root)'} ({self.kind})"

    @property
    def skipped(self) -> str | None:
        """Why nothing is ever masked here, if so."""
        return None if self.fits else self.unfit

    @property
    def strength(self) -> float | None:
        """Strength that was found for the mask here, where one is looked for."""
        return None

    def settle(self) -> bool:
        """Find the strength anew, if enough was measured; say whether it was."""
        return False

    @property
    def remark(self) -> str:
        """What the handle says of this site besides its name."""
        return f", nothing masked yet: {self.whole}" if self._nothing_yet else ""

    @property
    def _nothing_yet(self) -> bool:
        return not self.masked_once and self.whole is not None

    def on(self) -> bool:
        """Whether the coming backward pass is to be masked here."""
        return self.switch.active and self.module.training and torch.is_grad_enabled()

    def masked(self, delta: Tensor, energy: Tensor | None = None) -> Tensor:
        """Return the masked error, and note whether any could be masked."""
        masked = self.switch.masked(delta, energy)
        if not (torch.compiler.is_compiling() or self.masked_once):
            self.masked_once = masked is not delta
        return masked

    def reaches(self, t: Tensor) -> bool:
        """Whether anything is masked in maps like t, and note where nothing is."""
        if self.switch.mask.reaches(*t.shape[-2:]):
            return True
        if not torch.compiler.is_compiling():
            self.fits = True
            sides = "x".join(map(str, t.shape[-2:]))
            self.whole = f"its maps of {sides} are kept whole"
        return False

    def expect(self, module: nn.Module) -> None:
        """Refuse to act for a module that has taken the place of the attached one."""
        if module is not self.module and not getattr(module, "_is_replica", False):
            raise RuntimeError(
                f"{self.called} was replaced by a {type(module).__name__} after a "
                f"GradientMask was attached to it; {AGAIN}"
            )

    def is_map(self, t: object) -> bool:
        """Whether t is a feature map that carries gradients."""
        if not isinstance(t, Tensor):
            raise TypeError(
                f"{self.name} ({self.kind}) hands on a {type(t).__name__}, not a "
                "tensor; attach to a module inside it"
            )
        if not carries_gradients(t):
            return False
        if t.dim() != 4 and not torch.compiler.is_compiling():
            self.unfit = _no_map(t)
        return t.dim() == 4

    def input(self, args: tuple[Any, ...]) -> Any:
        """Input of the module, whose hooks see positional arguments only."""
        if not args:
            raise TypeError(
                f"{self.name} ({self.kind}) was called with keyword arguments alone; "
                "pass its input by position"
            )
        return args[0]


AGAIN = "call remove() on its handle and attach anew"


def _no_map(t: Tensor) -> str:
    return (
        f"it sees tensors of {t.dim()} dimensions, and masks are for maps of shape "
        "(B, C, H, W)"
    )


def hook_first(module: nn.Module, hook: Callable[..., Any]) -> RemovableHandle:
    """Register a forward hook before all others of a module.

    A dictionary in which an entry was moved has two orders, and compilers before
    PyTorch 2.14 take the wrong one: so the hooks are put in anew, in their order.
    """
    handle = module.register_forward_hook(hook, prepend=True)
    ordered = list(module._forward_hooks.items())
    module._forward_hooks.clear()
    module._forward_hooks.update(ordered)
    return handle


def hooks_of(module: nn.Module) -> list[Any]:
    """Every hook of a module's own forward pass."""
    return [*module._forward_pre_hooks.values(), *module._forward_hooks.values()]


@contextmanager
def paused(model: nn.Module) -> Iterator[None]:
    """Plain gradients inside the block, whatever masks are attached to the network."""
    hooks = (hook for module in model.modules() for hook in hooks_of(module))
    switches = {hook.switch for hook in hooks if isinstance(hook, Site)}
    with ExitStack() as stack:
        for switch in switches:
            stack.enter_context(switch.paused())
        yield


def carries_gradients(t: Tensor) -> bool:
    """``t.requires_grad``, also beneath a torch.func.vmap, which hides it."""
    if torch._C._are_functorch_transforms_active():
        return any(layer.requires_grad for layer in layers_of(t))
    return t.requires_grad


def alias(t: Tensor) -> Tensor:
    """Return t's memory and version as a node's output that is neither input nor view.

    Autograd forbids modules behind a custom node to modify its inputs or views in
    place; of this tensor it allows it, and notices where a modified one is needed.
    """
    return t.detach()
