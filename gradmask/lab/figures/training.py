"""Pictures of training runs: curves, paths and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradmask.lab.figures.style import COLOURS, done, panels
from gradmask.lab.measures.accuracy import Epoch
from gradmask.lab.reports.stats import Interval

__all__ = ["Runs", "differences", "learning_curves", "same_training_loss"]

Runs = Mapping[str, Sequence[Sequence[Epoch]]]
"""Histories by the variant's name, one for each seed."""


def learning_curves(runs: Runs) -> Figure:
    """Training loss and validation accuracy over epochs: every seed, and their mean."""
    figure, (loss, accuracy) = panels(2, height=2.7)
    for name, histories in runs.items():
        _curves(loss, name, [[e.train.loss for e in h] for h in histories])
        values = [[100 * e.validation.accuracy for e in h] for h in histories]
        _curves(accuracy, name, values)
    loss.set(title="Training loss", xlabel="epoch", ylabel="cross-entropy (nats)")
    loss.set_yscale("log", base=2)
    loss.yaxis.set_major_formatter("{x:g}")
    accuracy.set(title="Validation accuracy", xlabel="epoch", ylabel="per cent")
    loss.legend()
    return done(figure)


def same_training_loss(runs: Runs) -> Figure:
    """Validation accuracy over the training loss: equal fit, side by side."""
    figure, ax = panels(1, height=2.9)
    for name, histories in runs.items():
        for index, history in enumerate(histories):
            ax.plot(
                [e.train.loss for e in history],
                [100 * e.validation.accuracy for e in history],
                marker="o",
                ms=3,
                lw=1.2,
                color=COLOURS[name],
                label=name if index == 0 else None,
            )
    ax.invert_xaxis()
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set(xlabel="training loss (nats), falling to the right")
    ax.set(ylabel="validation accuracy (per cent)", title="At the same training loss")
    ax.legend(loc="lower right")
    return done(figure)


def differences(intervals: Mapping[str, Interval], unit: str) -> Figure:
    """Paired differences to plain training with their intervals, zero marked."""
    figure, ax = panels(1, height=0.55 + 0.42 * len(intervals))
    names = list(reversed(list(intervals)))
    for y, name in enumerate(names):
        interval = intervals[name]
        ax.plot([interval.low, interval.high], [y, y], color=COLOURS[name], lw=3)
        ax.plot(interval.mean, y, "o", color=COLOURS[name], ms=7, mec="white")
    ax.axvline(0, color="#24292f", lw=1)
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(-0.6, len(intervals) - 0.4), xlabel=f"difference to plain ({unit})")
    ax.grid(axis="y")
    return done(figure)


def _curves(ax: Axes, name: str, curves: list[list[float]]) -> None:
    epochs = np.arange(1, len(curves[0]) + 1)
    for curve in curves:
        ax.plot(epochs, curve, color=COLOURS[name], lw=0.8, alpha=0.45)
    ax.plot(epochs, np.mean(curves, axis=0), color=COLOURS[name], label=name)
