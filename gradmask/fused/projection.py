"""The projection in two launches: sums, and the removal of what they found."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from gradmask.functional.projection import SMALLEST
from gradmask.fused.layout import dense, power

__all__ = ["project_out"]

_TILE = 2048
_SUMMING = 512
_REMOVING = 1024
_MOST_SHARES = 64


def project_out(
    delta: Tensor, z: Tensor, groups: int | None = None, *, inplace: bool = False
) -> Tensor:
    """:func:`gradmask.functional.project_out` of tensors that are not float64."""
    from gradmask.fused.kernels.projection import projected_kernel, sums_kernel

    if delta.numel() == 0:
        return delta
    delta = dense(delta) if groups is None else delta.contiguous()
    last = not delta.is_contiguous()
    z = z.contiguous(memory_format=_FORMATS[last])
    samples, channels, height, width = delta.shape
    plan = _plan(samples, channels, height * width, groups, last)
    projected = delta if inplace else torch.empty_like(delta)
    sums = delta.new_empty((plan.shares, 4, plan.columns), dtype=torch.float32)
    size = plan.outer, plan.columns, plan.units
    tiles = {"FLAT": last, "BO": plan.rows, "BI": plan.row, "UNIT": plan.unit}
    tiles["BC"] = plan.row if last else 1
    sums_kernel[(plan.across, plan.shares)](
        delta, z, sums, *size, -(-plan.outer // plan.shares), **tiles
    )
    projected_kernel[(plan.across, plan.pieces)](
        delta, z, projected, sums, plan.shares, *size, -(-plan.outer // plan.pieces),
        SMALLEST=SMALLEST, EPS=torch.finfo(torch.float32).eps,
        BS=power(plan.shares), **tiles,
    )  # fmt: skip
    return projected


_FORMATS = {False: torch.contiguous_format, True: torch.channels_last}


class Plan(NamedTuple):
    """How tensors of (outer, columns, inner) are divided among programs and tiles.

    A tile has some rows; `inner` is a multiple of the unit.  So many programs stand
    across the columns, and along the outer elements as many as there are shares of the
    sum, or pieces of the result.
    """

    outer: int
    columns: int
    unit: int
    units: int
    rows: int
    row: int
    across: int
    shares: int
    pieces: int


@lru_cache(maxsize=1024)
def _plan(
    samples: int, channels: int, positions: int, groups: int | None, last: bool
) -> Plan:
    outer, columns, inner = samples, channels, positions
    if groups is not None:
        outer, columns, inner = 1, samples * groups, channels // groups * positions
    elif last:
        outer, inner = samples * positions, 1
    row = min(32, power(columns)) if last else min(1024, power(inner))
    across = -(-columns // row) if last else columns
    rows = min(_TILE // row, power(outer))
    steps = -(-outer // rows)
    unit = math.gcd(inner, 16)
    return Plan(
        outer,
        columns,
        unit,
        inner // unit,
        rows,
        row,
        across,
        shares=min(-(-_SUMMING // across), _MOST_SHARES, steps),
        pieces=min(-(-_REMOVING // across), steps),
    )
