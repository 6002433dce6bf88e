"""A convolution computed again: its geometry, its gradients, and whether it is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor

from gradmask.masking.site import AGAIN

__all__ = ["CLOSE", "Geometry", "numbers_are_there", "read", "verify"]


CLOSE = {
    torch.float64: 1e-7,
    torch.float32: 1e-3,
    torch.float16: 4e-3,
    torch.bfloat16: 2e-2,
}
"""Relative differences that rounding explains, by dtype."""


def verify(called: str, conv: nn.Conv2d, x: Tensor, output: Tensor) -> bool:
    """Compare a convolution's output with what it should compute, where that is known.

    Whatever changed it, a patch, a hook or a weight drawn at random, shows here.

    Returns
    -------
    bool
        Whether it was known.

    Raises
    ------
    RuntimeError
        If the output is something else; the message names the layer.
    """
    if not numbers_are_there(output):
        return False
    with torch.no_grad(), _undrawn(output.device):
        x, weight, bias, geometry = read(conv, x, output.dtype)
        expected = geometry.forward(x, weight, bias)
        off = expected.shape != output.shape or not torch.allclose(
            expected, output, 0.0, CLOSE[output.dtype] * float(_largest(output)), True
        )
    if off:
        raise RuntimeError(
            f"{called} cannot be masked: its output is not the convolution of its "
            "input with its weight, so something else computes or changes it (a patch, "
            f"a hook, a weight drawn at random); {AGAIN}, without this layer"
        )
    return True


def _largest(t: Tensor) -> Tensor:
    finite = t.detach().nan_to_num(0.0, 0.0, 0.0).abs()
    return finite.amax() if t.numel() else finite.sum()


def numbers_are_there(t: Tensor) -> bool:
    """Whether the numbers of t may be looked at."""
    if torch._C._are_functorch_transforms_active() or t.dtype not in CLOSE:
        return False
    if isinstance(t, FakeTensor) or t.device.type == "meta":
        return False
    return not (t.is_cuda and torch.cuda.is_current_stream_capturing())


def _undrawn(device: torch.device) -> Any:
    return torch.random.fork_rng([device] if device.type == "cuda" else [])


def read(
    conv: nn.Conv2d, x: Tensor, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor | None, Geometry]:
    """Input, weight and bias of a convolution in a dtype, and its geometry.

    Padding other than by zeros alike on both sides is part of the input returned.
    """
    weight = conv.weight.to(dtype)
    bias = None if conv.bias is None else conv.bias.to(dtype)
    x, padding = _explicit_padding(conv, x.to(dtype))
    return x, weight, bias, Geometry(conv.stride, padding, conv.dilation, conv.groups)


@dataclass(frozen=True)
class Geometry:
    """How a convolution moves over its input."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def gradients(
        self,
        delta: Tensor,
        x: Tensor,
        weight: Tensor,
        wanted: tuple[bool, bool, bool],
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Gradients by input, weight and bias, those that are wanted."""
        return torch.ops.aten.convolution_backward(  # type: ignore[no-any-return]
            delta, x, weight, [weight.shape[0]], self.stride, self.padding,
            self.dilation, False, [0, 0], self.groups, wanted,
        )  # fmt: skip

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Compute the convolution."""
        return F.conv2d(
            x, weight, bias, self.stride, self.padding, self.dilation, self.groups
        )


def _explicit_padding(conv: nn.Conv2d, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    sides = conv._reversed_padding_repeated_twice
    symmetric = sides[0::2] == sides[1::2]
    if conv.padding_mode == "zeros" and symmetric:
        return x, tuple(reversed(sides[0::2]))
    mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
    return F.pad(x, sides, mode=mode), (0, 0)
