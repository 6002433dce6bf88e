"""Who computes a mask: the kernels or the formulas.  Nothing else decides it."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Literal

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

__all__ = ["Engine", "engine", "serves"]

Engine = Literal["fused", "formulas"]

_DTYPES = torch.float32, torch.float16, torch.bfloat16


def engine(t: Tensor) -> Engine:
    """What computes the mask of an error like t, outside of compiled code.

    Kernels serve on CUDA devices, except in float64, if Triton is installed; PyTorch's
    builds for CUDA bring it along.
    """
    able = t.is_cuda and t.dtype in _DTYPES and _triton_is_there()
    return "fused" if able else "formulas"


def serves(t: Tensor) -> bool:
    """Whether kernels are to compute the mask of t here and now.

    A compiler sees the formulas, and fuses them itself; so does any mode or transform
    for which tensors are not what they seem.
    """
    return (
        not torch.compiler.is_compiling()
        and engine(t) == "fused"
        and not torch._C._are_functorch_transforms_active()
        and not _get_current_dispatch_mode_stack()
    )


@cache
def _triton_is_there() -> bool:
    return find_spec("triton") is not None
