"""How good estimates are: over samples, over the quality, and over what changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gradmask.lab.figures.names import name_ends
from gradmask.lab.figures.style import COLOURS, GREY, done, subplots
from gradmask.lab.reports.stats import Course, Interval

__all__ = [
    "estimates",
    "growth",
    "jackknife",
    "kept_by_energy",
    "one_step",
    "samples_needed",
]


def estimates(
    sizes: Sequence[int], ways: Mapping[str, Sequence[Interval]], truth: float
) -> Figure:
    """Two estimates of Q over the number of samples, with the bands of their draws.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of samples B.
    ways : mapping of str to sequence of Interval
        By the name of the estimate ("plugged in", "corrected") its mean and band.
    truth : float
        What all samples together give.
    """
    figure, ax = subplots(1, height=2.7)
    for (name, intervals), key in zip(ways.items(), ("random", "mask"), strict=True):
        mean, low, high = np.array(intervals).T
        ax.fill_between(sizes, low, high, color=COLOURS[key], alpha=0.2, lw=0)
        ax.plot(sizes, mean, "o-", ms=4, color=COLOURS[key], label=name)
    ax.axhline(truth, color=GREY, ls="--", lw=1, label="all samples, corrected")
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.set(xlabel="number of samples B", ylabel="estimate of Q")
    name_ends(ax)
    return done(figure)


def jackknife(
    q: Sequence[float],
    ratios: Mapping[int, Sequence[Interval]],
    fine: Sequence[float],
    predicted: Mapping[int, Sequence[float]],
) -> Figure:
    """Jackknife error over true error, by Q: simulated (dots), predicted (lines).

    Parameters
    ----------
    q, fine : sequence of float
        Values of Q of the dots and of the lines.
    ratios : mapping of int to sequence of Interval
        For every number of samples, as simulated.
    predicted : mapping of int to sequence of float
        The same by the formula.
    """
    figure, ax = subplots(1, height=2.6)
    colours = (COLOURS[name] for name in ("object", "mask", "top-k"))
    for (samples, dots), colour in zip(ratios.items(), colours, strict=False):
        ax.plot(fine, predicted[samples], color=colour, label=f"B = {samples}")
        _dots(ax, q, dots, colour)
    ax.axhline(1, color=GREY, lw=0.9)
    ax.set(xlabel="Q", ylabel="jackknife error / true error", ylim=(0.9, None))
    name_ends(ax)
    return done(figure)


def samples_needed(
    q: Sequence[float],
    needed: Mapping[int, Sequence[float]],
    pairs_alone: Mapping[int, Sequence[float]],
    simulated: Mapping[int, Sequence[tuple[float, float]]],
) -> Figure:
    """Samples that an estimate of Q needs, by Q and the noise's directions.

    Parameters
    ----------
    q : sequence of float
        Values of Q of the lines.
    needed, pairs_alone : mapping of int to sequence of float
        By the number of directions: numbers of samples, and what they would be if
        only pairs of samples made the estimate scatter (dashed).
    simulated : mapping of int to sequence of (float, float)
        By the number of directions: the Q for which a simulated error is good enough,
        and the number of samples that had it (dots).
    """
    figure, ax = subplots(1, height=2.7)
    colours = (COLOURS[name] for name in ("object", "mask", "top-k"))
    for (directions, samples), colour in zip(needed.items(), colours, strict=False):
        ax.plot(q, samples, color=colour, label=f"{directions} directions")
        ax.plot(q, pairs_alone[directions], "--", color=colour, lw=1)
        dots = np.array(simulated[directions]).T
        ax.plot(*dots, "o", color=colour, mec="white", ms=6)
    ax.set(xscale="log", yscale="log", xlabel="Q", ylabel="samples B")
    name_ends(ax)
    return done(figure)


def one_step(
    sizes: Sequence[int], measured: Sequence[Interval], predicted: Course
) -> Figure:
    """Share of a step's progress that fresh samples see, over its batch size.

    Parameters
    ----------
    sizes : sequence of int
        Batch sizes B of the measured shares.
    measured : sequence of Interval
        The shares.
    predicted : Course
        What is predicted, over B.
    """
    figure, ax = subplots(1, height=2.6)
    middle, low, high = np.array(predicted.y).T
    ax.fill_between(predicted.x, low, high, color=COLOURS["mask"], alpha=0.2, lw=0)
    ax.plot(predicted.x, middle, color=COLOURS["mask"], label="predicted from Q")
    _dots(ax, sizes, measured, COLOURS["object"], "measured")
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.set(xlabel="samples in the step, B", ylabel="fresh progress / own")
    name_ends(ax)
    return done(figure)


def kept_by_energy(curves: Mapping[str, Mapping[str, ArrayLike]]) -> Figure:
    """How often a position is kept, by its energy: shuffled maps and the formula.

    Parameters
    ----------
    curves : mapping of str to mapping of str to array, shape (N,)
        Of every field "energy" in deviations, and the shares "kept" and "predicted".
    """
    figure, axes = subplots(len(curves), height=2.4, sharey=True, squeeze=False)
    for ax, (title, bins) in zip(axes[0], curves.items(), strict=True):
        x, colours = bins["energy"], (COLOURS["mask"], COLOURS["object"])
        ax.plot(x, bins["predicted"], color=colours[0], label="formula")
        ax.plot(x, bins["kept"], "o", color=colours[1], ms=4.5, label="shuffled")
        ax.set(title=title, xlabel="energy (deviations)", ylim=(-0.03, 1.03))
    axes[0, 0].set_ylabel("share kept")
    axes[0, 0].legend(loc="lower right")
    return done(figure)


def growth(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Lateral quality (above) and true gain (below) as one thing changes.

    Parameters
    ----------
    curves : mapping of str to sequence of mapping
        By the label of what changes: points with "x", "measured" (Interval),
        "predicted" and "gain" (floats).
    """
    figure, axes = subplots(
        len(curves), rows=2, height=4.1, sharex="col", sharey="row", squeeze=False
    )
    for (above, below), (label, points) in zip(axes.T, curves.items(), strict=True):
        x = [point["x"] for point in points]
        above.plot(
            x, [p["predicted"] for p in points], color=COLOURS["mask"], label="formula"
        )
        measured = [p["measured"] for p in points]
        _dots(above, x, measured, COLOURS["object"], "simulated")
        above.axhline(0, color=GREY, lw=0.9)
        below.plot(x, [p["gain"] for p in points], color=COLOURS["plain"])
        below.axhline(1, color=GREY, lw=0.9)
        below.set(xscale="log", xlabel=label)
        below.set_xticks(x, [f"{value:g}" for value in x])
        below.minorticks_off()
    axes[0, 0].set_ylabel("LGQ")
    axes[1, 0].set_ylabel("gain in SNR")
    axes[0, 0].legend()
    return done(figure)


def _dots(
    ax: Axes,
    x: Sequence[float],
    intervals: Sequence[Interval],
    colour: str,
    name: str | None = None,
) -> None:
    mean, low, high = np.array(intervals).T
    ax.errorbar(
        x, mean, (mean - low, high - mean), fmt="o", color=colour, ms=4, label=name
    )
