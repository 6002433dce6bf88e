"""Precision, layout and reuse: what the formulas share besides mathematics."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, wraps
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

Kept = TypeVar("Kept")


def check_map(name: str, t: Tensor) -> None:
    """Raise ValueError unless t has the four dimensions of a map."""
    if t.dim() != 4:
        raise ValueError(f"{name} must have shape (B, C, H, W), got {tuple(t.shape)}")


def at_least_float32(t: Tensor) -> Tensor:
    """Return t, or its copy in float32 where it is of half precision."""
    return t.float() if t.dtype in (torch.float16, torch.bfloat16) else t


def no_autocast(t: Tensor) -> AbstractContextManager[object]:
    """Switch autocast off on the device of t."""
    if t.device.type == "meta":
        return nullcontext()
    return torch.autocast(t.device.type, enabled=False)


def with_float64(device: torch.device | str | None) -> torch.device | str | None:
    """Return the device, or the CPU instead of Apple's, which has no float64."""
    on_apple = device is not None and torch.device(device).type == "mps"
    return "cpu" if on_apple else device


def kept(make: Callable[..., Kept]) -> Callable[..., Kept]:
    """Have a function keep what it makes.

    Where a tensor may not be a real one, under torch.compile or a mode as that of fake
    tensors, nothing is kept.
    """
    # Whoever asks first in inference mode, others may need it for autograd.
    cached = lru_cache(maxsize=256)(torch.inference_mode(False)(make))

    @wraps(make)
    def kept_or_traced(*args: object) -> Kept:
        if torch.compiler.is_compiling() or _get_current_dispatch_mode_stack():
            return make(*args)
        return cached(*args)

    return kept_or_traced


def each_filtered(
    maps: Tensor, kernel: Tensor, bias: Tensor | None = None, **geometry: Any
) -> Tensor:
    """Filter every map of (B, G, H, W) by the same (k, k') kernel, outside autocast.

    As one sample whose channels are the maps: several times faster on CPU than as a
    batch.
    """
    count = maps.shape[0] * maps.shape[1]
    weight = kernel.expand(count, 1, *kernel.shape).contiguous()
    with no_autocast(maps):
        filtered = F.conv2d(
            maps.reshape(1, count, *maps.shape[2:]),
            weight,
            bias,
            groups=count,
            **geometry,
        )
    return filtered.reshape(*maps.shape[:2], *filtered.shape[2:])


def rounding_error(energy: Tensor, kernel: Tensor) -> Tensor:
    """Response, of shape (B, 1, 1, 1), that rounding can make of a flat map."""
    eps = max(torch.finfo(t.dtype).eps for t in (kernel, energy))
    return 4 * eps * kernel.abs().sum() * energy.amax((2, 3), keepdim=True)
