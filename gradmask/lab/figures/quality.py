"""Pictures of gradient quality: what the two criteria measure, and how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gradmask.lab.figures.style import COLOURS, done, panels, show_map
from gradmask.lab.reports.stats import Interval

__all__ = [
    "agreement",
    "calibration",
    "estimates",
    "growth",
    "jackknife",
    "kept_by_energy",
    "one_step",
]

_GREY = "#8b949e"


def agreement(cosines: Mapping[str, Tensor], labels: Tensor) -> Figure:
    """Cosines between the gradients of samples, ordered by class.

    Parameters
    ----------
    cosines : mapping of str to Tensor
        Matrices (B, B) by title.
    labels : Tensor
        Classes (B,).
    """
    order = labels.argsort(stable=True)
    borders = np.flatnonzero(np.diff(labels[order])) + 0.5
    figure, axes = panels(len(cosines), height=2.75, squeeze=False)
    for ax, (title, matrix) in zip(axes[0], cosines.items(), strict=True):
        show_map(ax, matrix[order][:, order], title, signed=True, vmin=-1, vmax=1)
        ax.set(xticks=borders, yticks=borders, xticklabels=[], yticklabels=[])
        ax.tick_params(length=3, width=0.6)
        ax.set_xlabel("sample, by class")
    figure.colorbar(axes[0, -1].images[0], ax=axes, label="cosine", shrink=0.85)
    return done(figure)


def estimates(
    sizes: Sequence[int], plain: Tensor, corrected: Tensor, truth: float
) -> Figure:
    """Two estimates of Q over the number of samples: mean, and 90 % of the draws.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of samples B.
    plain, corrected : Tensor
        Estimates (len(sizes), draws), biased and unbiased.
    truth : float
        What all samples together give.
    """
    figure, ax = panels(1, height=2.7)
    for values, colour, label in (
        (plain, COLOURS["random"], "plugged in"),
        (corrected, COLOURS["mask"], "corrected"),
    ):
        low, high = np.quantile(values, [0.05, 0.95], axis=1)
        ax.fill_between(sizes, low, high, color=colour, alpha=0.2, lw=0)
        ax.plot(sizes, values.mean(1), "o-", ms=4, color=colour, label=label)
    ax.axhline(truth, color=_GREY, ls="--", lw=1, label="all samples, corrected")
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.set(xlabel="number of samples B", ylabel="estimate of Q")
    ax.legend()
    return done(figure)


def jackknife(
    q: Sequence[float],
    ratios: Mapping[int, Sequence[float]],
    fine: Sequence[float],
    predicted: Mapping[int, Sequence[float]],
) -> Figure:
    """Jackknife error over true error, by Q: simulated (dots), predicted (lines).

    Parameters
    ----------
    q, fine : sequence of float
        Values of Q of the dots and of the lines.
    ratios, predicted : mapping of int to sequence of float
        For every number of samples.
    """
    figure, ax = panels(1, height=2.6)
    colours = (COLOURS[name] for name in ("object", "mask", "top-k"))
    for (samples, dots), colour in zip(ratios.items(), colours, strict=False):
        ax.plot(fine, predicted[samples], color=colour, label=f"B = {samples}")
        ax.plot(q, dots, "o", color=colour, mec="white", ms=6)
    ax.axhline(1, color=_GREY, lw=0.9)
    ax.set(xlabel="Q", ylabel="jackknife error / true error", ylim=(0.9, None))
    ax.legend()
    return done(figure)


def one_step(sizes: Sequence[int], measured: Sequence[Interval], q: Interval) -> Figure:
    """Share of a step's progress that fresh samples see, over its batch size.

    Parameters
    ----------
    sizes : sequence of int
        Batch sizes n of the measured shares.
    measured : sequence of Interval
        The shares.
    q : Interval
        Quality that predicts them.
    """
    figure, ax = panels(1, height=2.6)
    n = np.geomspace(1, max(sizes), 100)
    low, middle, high = (
        n * v / (1 + (n - 1) * v) for v in (max(q.low, 0), q.mean, q.high)
    )
    ax.fill_between(n, low, high, color=COLOURS["mask"], alpha=0.2, lw=0)
    ax.plot(n, middle, color=COLOURS["mask"], label="predicted from Q")
    _dots(ax, sizes, measured, COLOURS["object"], "measured")
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.set(xlabel="samples in the step, n", ylabel="fresh progress / own")
    ax.legend(loc="upper left")
    return done(figure)


def kept_by_energy(
    curves: Mapping[str, tuple[Tensor, Tensor, Tensor]], bins: int = 16
) -> Figure:
    """How often a position is kept, by its energy: shuffled maps and the formula.

    Parameters
    ----------
    curves : mapping of str to three Tensors
        Of every field the energies, whether they were kept, and the formula's
        probabilities.
    """
    figure, axes = panels(len(curves), height=2.4, sharey=True, squeeze=False)
    for ax, (title, parts) in zip(axes[0], curves.items(), strict=True):
        energy, kept, predicted = (part.flatten().double() for part in parts)
        order = energy.argsort()
        groups = order[energy[order] > 0].chunk(bins)
        z = (energy - energy.mean()) / energy.std()
        x, measured, formula = (
            [values[group].mean().item() for group in groups]
            for values in (z, kept, predicted)
        )
        ax.plot(x, formula, color=COLOURS["mask"], label="formula")
        ax.plot(x, measured, "o", color=COLOURS["object"], ms=4.5, label="shuffled")
        ax.set(title=title, xlabel="energy (deviations)", ylim=(-0.03, 1.03))
    axes[0, 0].set_ylabel("share kept")
    axes[0, 0].legend(loc="lower right")
    return done(figure)


def calibration(table: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Contrast and lateral quality of noises, without structure and with an object.

    Parameters
    ----------
    table : mapping of str to mapping
        For every noise "contrast", "nothing" and "object" (Intervals), and "null"
        (float), the contrast that the formula expects.
    """
    figure, axes = panels(3, height=2.3, sharey=True)
    titles = "contrast, no structure", "LGQ, no structure", "LGQ, an object"
    for ax, key, title in zip(
        axes, ("contrast", "nothing", "object"), titles, strict=True
    ):
        for y, row in enumerate(table.values()):
            interval = row[key]
            ax.plot(interval[1:], [y, y], color=COLOURS["mask"], lw=2.5)
            ax.plot(interval.mean, y, "o", color=COLOURS["mask"], ms=6, mec="white")
        ax.axvline(0, color=_GREY, lw=0.9)
        ax.set_title(title)
        ax.grid(axis="y")
    null = [row["null"] for row in table.values()]
    axes[0].plot(
        null, range(len(null)), "D", mfc="none", mec=COLOURS["object"], label="formula"
    )
    axes[0].legend(loc="lower right")
    limit = max(abs(end) for row in table.values() for end in row["nothing"]) * 1.3
    axes[1].set_xlim(-limit, limit)
    axes[0].set_xlim(-0.05, 1.05)
    axes[0].set_yticks(range(len(table)), list(table))
    axes[0].invert_yaxis()
    return done(figure)


def growth(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Lateral quality (above) and true gain (below) as one thing changes.

    Parameters
    ----------
    curves : mapping of str to sequence of mapping
        By the label of what changes: points with "x", "measured" (Interval),
        "predicted" and "gain" (floats).
    """
    figure, axes = panels(
        len(curves), rows=2, height=4.1, sharex="col", sharey="row", squeeze=False
    )
    for (above, below), (label, points) in zip(axes.T, curves.items(), strict=True):
        x = [point["x"] for point in points]
        above.plot(
            x, [p["predicted"] for p in points], color=COLOURS["mask"], label="formula"
        )
        measured = [p["measured"] for p in points]
        _dots(above, x, measured, COLOURS["object"], "simulated")
        above.axhline(0, color=_GREY, lw=0.9)
        below.plot(x, [p["gain"] for p in points], color=COLOURS["plain"])
        below.axhline(1, color=_GREY, lw=0.9)
        below.set(xscale="log", xlabel=label)
        below.set_xticks(x, [f"{value:g}" for value in x])
        below.minorticks_off()
    axes[0, 0].set_ylabel("LGQ")
    axes[1, 0].set_ylabel("gain in SNR")
    axes[0, 0].legend()
    return done(figure)


def _dots(
    ax: Axes, x: Sequence[float], intervals: Sequence[Interval], colour: str, name: str
) -> None:
    mean, low, high = np.array(intervals).T
    ax.errorbar(
        x, mean, (mean - low, high - mean), fmt="o", color=colour, ms=4, label=name
    )
