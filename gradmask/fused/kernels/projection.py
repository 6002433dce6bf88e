"""The kernels of the projection: sums over a normalised whole, and what they remove.

Both tensors are (outer, columns, inner), and a column is what is normalised together.
A tile is (BO, BI): of one column, or, where a column has but one inner element (FLAT),
of BI columns side by side.  A program works on BC columns, BI or one.
"""

import triton
import triton.language as tl

__all__ = ["projected_kernel", "sums_kernel"]


@triton.jit
def _tile(
    o, i, last, columns, inner, FLAT: tl.constexpr, BO: tl.constexpr, BI: tl.constexpr
):
    """Where the tile from (o, i) on lies, and which of it is there."""
    o += tl.arange(0, BO)[:, None]
    i += tl.arange(0, BI)[None, :]
    column = 0 if FLAT else tl.program_id(0) * inner
    at = o.to(tl.int64) * (columns * inner) + (column + i)
    return at, (o < last) & (i < (columns if FLAT else inner))


@triton.jit
def _over_columns(t, FLAT: tl.constexpr):
    """Sums of a tile, of shape (BC,)."""
    t = tl.sum(t, 0)
    if not FLAT:
        t = tl.sum(t, 0, keep_dims=True)
    return t


@triton.jit
def sums_kernel(
    error, z, sums, outer, columns, units, share,
    FLAT: tl.constexpr, BO: tl.constexpr, BI: tl.constexpr, BC: tl.constexpr,
    UNIT: tl.constexpr,
):  # fmt: skip
    """Sums of d, f, d f and f f over a share of the outer: (shares, 4, columns)."""
    inner = units * UNIT
    first = tl.program_id(1) * share
    last = tl.minimum(first + share, outer)
    begin = tl.program_id(0) * BI if FLAT else 0
    end = begin + 1 if FLAT else inner
    level = tl.zeros((BO, BI), tl.float32)
    height = tl.zeros((BO, BI), tl.float32)
    product = tl.zeros((BO, BI), tl.float32)
    square = tl.zeros((BO, BI), tl.float32)
    for o in range(first, last, BO):
        for i in range(begin, end, BI):
            at, here = _tile(o, i, last, columns, inner, FLAT, BO, BI)
            d = tl.load(error + at, here, 0.0).to(tl.float32)
            f = tl.load(z + at, here, 0.0).to(tl.float32)
            level += d
            height += f
            product += d * f
            square += f * f
    c = tl.program_id(0) * BC + tl.arange(0, BC)
    sums += tl.program_id(1) * 4 * columns + c
    tl.store(sums, _over_columns(level, FLAT), c < columns)
    tl.store(sums + columns, _over_columns(height, FLAT), c < columns)
    tl.store(sums + 2 * columns, _over_columns(product, FLAT), c < columns)
    tl.store(sums + 3 * columns, _over_columns(square, FLAT), c < columns)


@triton.jit
def _total(sums, number, columns, shares, BC: tl.constexpr, BS: tl.constexpr):
    """One of the four sums over all shares, of shape (BC,)."""
    s = tl.arange(0, BS)[:, None]
    c = (tl.program_id(0) * BC + tl.arange(0, BC))[None, :]
    at = sums + (4 * s + number) * columns + c
    return tl.sum(tl.load(at, (s < shares) & (c < columns), 0.0), 0)


@triton.jit
def projected_kernel(
    error, z, projected, sums, shares, outer, columns, units, share,
    SMALLEST: tl.constexpr, EPS: tl.constexpr, FLAT: tl.constexpr, BO: tl.constexpr,
    BI: tl.constexpr, BC: tl.constexpr, BS: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Remove from the error its regression on z, the last of it first."""
    inner = units * UNIT
    sum_d = _total(sums, 0, columns, shares, BC, BS)
    sum_f = _total(sums, 1, columns, shares, BC, BS)
    product = _total(sums, 2, columns, shares, BC, BS)
    square = _total(sums, 3, columns, shares, BC, BS)
    count = (outer * inner).to(tl.float32)
    mean = sum_f / count
    scatter = tl.maximum(square - mean * sum_f, square * (8 * EPS))
    slope = (product - mean * sum_d) / tl.maximum(scatter, SMALLEST)
    level = (sum_d - slope * sum_f) / count

    first = (tl.num_programs(1) - 1 - tl.program_id(1)) * share
    last = tl.minimum(first + share, outer)
    begin = tl.program_id(0) * BI if FLAT else 0
    end = begin + 1 if FLAT else inner
    for o in range(first, last, BO):
        for i in range(begin, end, BI):
            at, here = _tile(o, i, last, columns, inner, FLAT, BO, BI)
            d = tl.load(error + at, here, 0.0).to(tl.float32)
            f = tl.load(z + at, here, 0.0).to(tl.float32)
            tl.store(projected + at, d - slope[None, :] * f - level[None, :], here)
