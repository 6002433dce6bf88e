"""How tensors lie in memory, and into which tiles they are divided."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Layout", "dense", "layout_of", "power"]

_TILE = 8192


class Layout(NamedTuple):
    """How a dense tensor of (B, C, H, W) lies in memory, and the tiles it is read in.

    Attributes
    ----------
    last : bool
        Whether channels come last.
    rows, columns : int
        Channels and positions of a tile.
    unit, units : int
        The number of positions is their product.  A kernel that knows the unit reads
        several numbers at once.
    """

    last: bool
    rows: int
    columns: int
    unit: int
    units: int

    @property
    def tiles(self) -> int:
        """How many tiles a map has."""
        return -(-self.unit * self.units // self.columns)


def dense(t: Tensor) -> Tensor:
    """Return t, or a contiguous copy of it where it has neither usual layout."""
    last = t.is_contiguous(memory_format=torch.channels_last)
    return t if last or t.is_contiguous() else t.contiguous()


def layout_of(t: Tensor) -> Layout:
    """Layout of a dense tensor of (B, C, H, W)."""
    _, channels, height, width = t.shape
    return _layout(channels, height * width, not t.is_contiguous())


def power(n: int) -> int:
    """The power of two from n up."""
    return 1 << (n - 1).bit_length()


@lru_cache(maxsize=1024)
def _layout(channels: int, positions: int, last: bool) -> Layout:
    if last:
        rows = min(128, power(channels))
        columns = min(power(positions), _TILE // rows)
    else:
        columns = min(256, power(positions))
        rows = min(power(channels), _TILE // columns)
    unit = math.gcd(positions, 16)
    return Layout(last, rows, columns, unit, positions // unit)
