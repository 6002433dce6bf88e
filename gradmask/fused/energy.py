"""The energies that compete, in one launch or two."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gradmask.fused.layout import dense, layout_of

__all__ = ["contribution_energy", "error_energy"]

_WARPS = 8


def error_energy(delta: Tensor, *, root: bool = True) -> Tensor:
    """:func:`gradmask.functional.error_energy`, or its square without the root."""
    from gradmask.fused.kernels.lateral import energy_kernel

    delta = dense(delta)
    samples, channels, height, width = delta.shape
    energy = delta.new_empty((samples, 1, height, width), dtype=torch.float32)
    layout = layout_of(delta)
    if samples:
        energy_kernel[(samples, layout.tiles)](
            delta, energy, channels, layout.units, ROOT=root, LAST=layout.last,
            BC=layout.rows, BP=layout.columns, UNIT=layout.unit, num_warps=_WARPS,
        )  # fmt: skip
    return energy


def contribution_energy(
    delta: Tensor,
    activation: Tensor,
    kernel_size: Sequence[int],
    *,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Tensor:
    """:func:`gradmask.functional.contribution_energy` of a single group."""
    from gradmask.fused.kernels.lateral import contribution_kernel

    squares = error_energy(activation, root=False)
    delta = dense(delta)
    samples, channels, height, width = delta.shape
    energy = squares.new_empty((samples, 1, height, width))
    layout = layout_of(delta)
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = kernel_size, stride, padding, dilation
    if samples:
        contribution_kernel[(samples, layout.tiles)](
            delta, squares, energy, channels, layout.units, width, *squares.shape[2:],
            KH=kh, KW=kw, SH=sh, SW=sw, PH=ph, PW=pw, DH=dh, DW=dw, LAST=layout.last,
            BC=layout.rows, BP=layout.columns, UNIT=layout.unit, num_warps=_WARPS,
        )  # fmt: skip
    return energy
