"""The kernels of lateral inhibition: energy, response, decision and product.

A sample is a matrix of channels and positions, a map one row of it.  Every program
works on tiles of (BC channels, BP positions), in float32.  What one loop stores and
another loads, perhaps by other threads, lies behind a barrier.
"""

import triton
import triton.language as tl

__all__ = ["contribution_kernel", "energy_kernel", "lateral_kernel", "product_kernel"]


@triton.jit
def _at(c, p, channels, positions, LAST: tl.constexpr):
    """Where channel c of position p lies in a sample, be its channels first or last."""
    if LAST:
        return p * channels + c
    else:
        return c * positions + p


@triton.jit
def _squares(
    error, p, inside, channels, positions,
    LAST: tl.constexpr, BC: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """Sum over channels of the squared error, at the positions p."""
    total = tl.zeros((BC, BP), tl.float32)
    for first in range(0, channels, BC):
        c = (first + tl.arange(0, BC))[:, None]
        at = _at(c, p[None, :], channels, positions, LAST)
        e = tl.load(error + at, (c < channels) & inside[None, :], 0.0).to(tl.float32)
        total += e * e
    return tl.sum(total, 0)


@triton.jit
def _multiply(
    error, masked, p, inside, kept, channels, positions,
    LAST: tl.constexpr, BC: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """Store the error at the positions p where it is kept, else zero."""
    for first in range(0, channels, BC):
        c = (first + tl.arange(0, BC))[:, None]
        at = _at(c, p[None, :], channels, positions, LAST)
        here = (c < channels) & inside[None, :]
        e = tl.load(error + at, here, 0.0)
        tl.store(masked + at, tl.where(kept[None, :], e, 0.0), here)


@triton.jit
def _reflected(i, n):
    """Index in a row of n that is continued by reflection."""
    i = tl.abs(i)
    return tl.minimum(i, 2 * (n - 1) - i)


@triton.jit
def _response(energy, mean, weights, p, inside, height, width, SIZE: tl.constexpr):
    """Response to one kernel at the positions p, of the map less its mean."""
    response = tl.zeros(p.shape, tl.float32)
    for i in range(SIZE):
        row = energy + _reflected(p // width + i - SIZE // 2, height) * width
        for j in tl.static_range(SIZE):
            column = _reflected(p % width + j - SIZE // 2, width)
            e = tl.load(row + column, inside, 0.0)
            response += tl.load(weights + i * SIZE + j) * (e - mean)
    return response


@triton.jit
def energy_kernel(
    error, energy, channels, units,
    ROOT: tl.constexpr, LAST: tl.constexpr, BC: tl.constexpr, BP: tl.constexpr,
    UNIT: tl.constexpr,
):  # fmt: skip
    """Energy of a tile of positions, or its square, to be multiplied yet."""
    sample = tl.program_id(0).to(tl.int64)
    positions = units * UNIT
    p = tl.program_id(1) * BP + tl.arange(0, BP)
    inside = p < positions
    error += sample * channels * positions
    e = _squares(error, p, inside, channels, positions, LAST, BC, BP)
    tl.store(energy + sample * positions + p, tl.sqrt(e) if ROOT else e, inside)


@triton.jit
def contribution_kernel(
    error, activation, energy, channels, units, width, rows, columns,
    KH: tl.constexpr, KW: tl.constexpr, SH: tl.constexpr, SW: tl.constexpr,
    PH: tl.constexpr, PW: tl.constexpr, DH: tl.constexpr, DW: tl.constexpr,
    LAST: tl.constexpr, BC: tl.constexpr, BP: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Norm of a position's contribution: of its error times that of its input patch.

    The activation is given as squares over channels, a map of (rows, columns).
    """
    sample = tl.program_id(0).to(tl.int64)
    positions = units * UNIT
    p = tl.program_id(1) * BP + tl.arange(0, BP)
    inside = p < positions
    error += sample * channels * positions
    activation += sample * rows * columns
    window = tl.zeros((BP,), tl.float32)
    for t in range(KH * KW):
        y = p // width * SH - PH + t // KW * DH
        x = p % width * SW - PW + t % KW * DW
        there = inside & (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
        window += tl.load(activation + y * columns + x, there, 0.0)
    e = _squares(error, p, inside, channels, positions, LAST, BC, BP)
    tl.store(energy + sample * positions + p, tl.sqrt(e * window), inside)


@triton.jit
def lateral_kernel(
    error, masked, mask, energy, response, weights, threshold,
    channels, units, height, width,
    ENERGY: tl.constexpr, RESPONSE: tl.constexpr, SPREAD: tl.constexpr,
    PRODUCT: tl.constexpr, SCALES: tl.constexpr, SIZE: tl.constexpr, EPS: tl.constexpr,
    LAST: tl.constexpr, BC: tl.constexpr, BP: tl.constexpr, BM: tl.constexpr,
    UNIT: tl.constexpr,
):  # fmt: skip
    """Decide about a whole sample, and mask it.

    A flag says whether a step is to be done here: energy and response are given
    otherwise, a spread counts if there is a threshold, and without a product only the
    mask is wanted.  Maps are worked on in tiles of BM positions.
    """
    sample = tl.program_id(0).to(tl.int64)
    positions = units * UNIT
    error += sample * channels * positions
    masked += sample * channels * positions
    mask += sample * positions
    energy += sample * positions
    response += sample * positions * SCALES

    if ENERGY:
        for first in range(0, positions, BP):
            p = first + tl.arange(0, BP)
            inside = p < positions
            e = _squares(error, p, inside, channels, positions, LAST, BC, BP)
            tl.store(energy + p, tl.sqrt(e), inside)
        tl.debug_barrier()

    total = tl.zeros((BM,), tl.float32)
    peak = tl.full((BM,), float("-inf"), tl.float32)
    for first in range(0, positions, BM):
        p = first + tl.arange(0, BM)
        total += tl.load(energy + p, p < positions, 0.0)
        peak = tl.maximum(peak, tl.load(energy + p, p < positions, float("-inf")))
    mean = tl.sum(total) / positions
    largest = tl.max(peak)

    nothing = sample >= 0
    for scale in range(SCALES):
        taps = weights + scale * (SIZE * SIZE + 2)
        sum_of_taps = tl.load(taps + SIZE * SIZE)
        sum_of_magnitudes = tl.load(taps + SIZE * SIZE + 1)
        r_scale = response + scale * positions
        if RESPONSE:
            for first in range(0, positions, BM):
                p = first + tl.arange(0, BM)
                inside = p < positions
                r = _response(energy, mean, taps, p, inside, height, width, SIZE)
                tl.store(r_scale + p, r + mean * sum_of_taps, inside)
            tl.debug_barrier()

        # A response that is no number makes a map flat, which a maximum does not see.
        strongest = tl.zeros((BM,), tl.float32)
        unknown = tl.zeros((BM,), tl.int32)
        total = tl.zeros((BM,), tl.float32)
        for first in range(0, positions, BM):
            p = first + tl.arange(0, BM)
            r = tl.load(r_scale + p, p < positions, 0.0)
            strongest = tl.maximum(strongest, tl.abs(r))
            unknown += (r != r).to(tl.int32)
            total += r
        rounding = 4 * EPS * sum_of_magnitudes * largest
        flat = (tl.sum(unknown) > 0) | ~(tl.max(strongest) > rounding)

        level = rounding
        if SPREAD:
            centre = tl.sum(total) / positions
            squares = tl.zeros((BM,), tl.float32)
            for first in range(0, positions, BM):
                p = first + tl.arange(0, BM)
                r = tl.load(r_scale + p, p < positions, centre)
                squares += (r - centre) * (r - centre)
            level += threshold * tl.sqrt(tl.sum(squares) / positions)
        level = tl.where(flat, float("inf"), level)
        nothing = nothing & flat

        for first in range(0, positions, BM):
            p = first + tl.arange(0, BM)
            inside = p < positions
            dropped = tl.load(r_scale + p, inside, 0.0) <= level
            if scale > 0:
                dropped = dropped & (tl.load(mask + p, inside, 0) == 0)
            tl.store(mask + p, dropped == 0, inside)
        tl.debug_barrier()

    if nothing:
        for first in range(0, positions, BM):
            p = first + tl.arange(0, BM)
            tl.store(mask + p, p >= 0, p < positions)
        tl.debug_barrier()

    if PRODUCT:
        for first in range(0, positions, BP):
            p = first + tl.arange(0, BP)
            inside = p < positions
            kept = tl.load(mask + p, inside, 0) != 0
            _multiply(
                error, masked, p, inside, kept,
                channels, positions, LAST, BC, BP,
            )  # fmt: skip


@triton.jit
def product_kernel(
    error, masked, mask, channels, units,
    LAST: tl.constexpr, BC: tl.constexpr, BP: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Mask a tile of positions; the last first, which the cache may hold yet."""
    sample = (tl.num_programs(0) - 1 - tl.program_id(0)).to(tl.int64)
    positions = units * UNIT
    p = tl.program_id(1) * BP + tl.arange(0, BP)
    inside = p < positions
    kept = tl.load(mask + sample * positions + p, inside, 0) != 0
    error += sample * channels * positions
    masked += sample * channels * positions
    _multiply(error, masked, p, inside, kept, channels, positions, LAST, BC, BP)
