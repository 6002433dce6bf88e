"""Looking at the error signals of chosen layers without changing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

from gradmask.masking.graph import channels_last
from gradmask.masking.layers import ACTIVATIONS
from gradmask.masking.signal_node import mask_signal

__all__ = ["recorded"]

Record = Callable[[str, Tensor], None]


@contextmanager
def recorded(sites: Mapping[str, nn.Module], record: Record) -> Iterator[None]:
    """Call ``record(name, delta)`` in the backward pass of what runs in this block.

    As where a mask is attached, delta is the error at an activation's input (the
    module's own share of it), and at any other module's output.  A module that runs
    twice is recorded twice, one that carries no gradient never.
    """
    with ExitStack() as stack:
        for name, module in sites.items():
            see = partial(_see, record, name)
            if isinstance(module, ACTIVATIONS):
                hook = module.register_forward_pre_hook(partial(_at_input, see))
            else:
                hook = module.register_forward_hook(partial(_at_output, see))
            stack.callback(hook.remove)
        yield


def _see(record: Record, name: str, delta: Tensor) -> Tensor:
    record(name, delta)
    return delta


def _at_input(
    see: Callable[[Tensor], Tensor], module: nn.Module, args: tuple[Any, ...]
) -> Any:
    if not (args and _carries_gradients(args[0])):
        return None
    if args[0].dim() == 4 and channels_last(args[0]):
        return None
    inplace = getattr(module, "inplace", False)
    return (mask_signal(args[0], see, inplace=inplace), *args[1:])


def _at_output(
    see: Callable[[Tensor], Tensor], module: nn.Module, args: Any, output: Any
) -> None:
    if _carries_gradients(output) and not (output.dim() == 4 and channels_last(output)):
        output.register_hook(see)


def _carries_gradients(t: object) -> bool:
    return isinstance(t, Tensor) and t.requires_grad
