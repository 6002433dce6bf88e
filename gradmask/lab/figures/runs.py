"""Training runs: every seed and their mean, over epochs or over one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gradmask.lab.figures.names import name_ends
from gradmask.lab.figures.style import (
    COLOURS,
    COMPARED,
    FAMILIES,
    GREY,
    INK,
    Style,
    done,
    legend_below,
    subplots,
)
from gradmask.lab.reports.stats import Course, Interval

__all__ = [
    "attention_through",
    "gap",
    "learning_curves",
    "over_training_loss",
    "pairs",
    "same_training_loss",
    "through_training",
]

Runs = Mapping[str, ArrayLike]
"""Values of shape (seeds, epochs) by the variant's name."""

_WAYS = (
    (COLOURS["plain"], "o"),
    (COLOURS["mask"], "D"),
    (COLOURS["random"], "s"),
    (COLOURS["top-k"], "^"),
    (COLOURS["other"], "v"),
)

DATA = {"fashion": "Fashion-MNIST", "scenes": "cluttered scenes"}


def learning_curves(loss: Runs, accuracy: Runs) -> Figure:
    """Training loss and validation accuracy over epochs: every seed, and their mean.

    Parameters
    ----------
    loss : mapping of str to array, shape (seeds, epochs)
        Training loss by the variant's name, in nats, after each epoch.
    accuracy : mapping of str to array, shape (seeds, epochs)
        Accuracy on the validation set, a share.
    """
    figure, (left, right) = subplots(2, height=2.7)
    for name in loss:
        epochs = np.arange(1, np.shape(loss[name])[1] + 1)
        style = Style(COLOURS[name])
        _runs(left, epochs, loss[name], style, name)
        _runs(right, epochs, 100 * np.asarray(accuracy[name]), style, name)
    left.set(title="Training loss", xlabel="epoch", ylabel="cross-entropy (nats)")
    left.set_yscale("log", base=2)
    left.yaxis.set_major_formatter("{x:g}")
    right.set(title="Validation accuracy", xlabel="epoch", ylabel="per cent")
    for ax in (left, right):
        ax.xaxis.get_major_locator().set_params(integer=True)
        name_ends(ax)
    return done(figure)


def same_training_loss(loss: Runs, accuracy: Runs) -> Figure:
    """Validation accuracy over the training loss: a dot for every seed and epoch.

    A line joins each variant's means, geometric for the loss, from epoch to epoch; its
    last one is marked.

    Parameters
    ----------
    loss, accuracy
        As of :func:`learning_curves`.
    """
    figure, ax = subplots(1, height=3.0)
    for name in loss:
        losses, shares = np.asarray(loss[name]), 100 * np.asarray(accuracy[name])
        colour = COLOURS[name]
        ax.plot(losses.ravel(), shares.ravel(), "o", ms=3, alpha=0.4, color=colour)
        x, y = np.exp(np.log(losses).mean(0)), shares.mean(0)
        ax.plot(x, y, color=colour)
        ax.plot(x[-1], y[-1], "D", ms=7, color=colour, label=f"{name}, at the end")
    ax.invert_xaxis()
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set(xlabel="training loss (nats); right: fits the training images better")
    ax.set(ylabel="validation accuracy (%)", title="At the same training loss")
    ax.legend(loc="lower right")
    return done(figure)


def pairs(
    values: Mapping[str, Sequence[float]], intervals: Mapping[str, Interval]
) -> Figure:
    """Two ways to train on the same seeds: as two clouds, and as pairs.

    Parameters
    ----------
    values : mapping of str to sequence of float
        Shares of the two ways, in the order of the seeds.
    intervals : mapping of str to Interval
        Of the difference in points, as two clouds and as pairs, by the panels' titles.
    """
    figure, axes = subplots(2, height=2.9, sharey=True)
    points = 100 * np.array([*values.values()])
    for ax, (title, interval) in zip(axes, intervals.items(), strict=True):
        ax.set_title(f"{title}: {interval:+.1f}")
        for x, (own, style) in enumerate(zip(points, ("plain", "mask"), strict=True)):
            ax.plot([x] * len(own), own, "o", color=COLOURS[style], zorder=3)
        ax.set_xticks([0, 1], [*values])
        ax.set_xlim(-0.4, 1.4)
    axes[1].plot([0, 1], points, color=INK, lw=0.8, alpha=0.6)
    axes[0].set_ylabel("test accuracy (%)")
    return done(figure)


def over_training_loss(
    panels: Mapping[str, Mapping[str, Course]], ylabel: str
) -> Figure:
    """Shares over the training loss, with intervals: a path for several schedules.

    Parameters
    ----------
    panels : mapping of str to mapping of str to Course
        By the panel's title and the way to train, from
        :func:`gradmask.lab.reports.schedules.path`; what was trained once is a dot.
    ylabel : str
        Title of the vertical axis.
    """
    figure, axes = subplots(len(panels), height=3.4, sharex=True, squeeze=False)
    for ax, (title, ways) in zip(axes[0], panels.items(), strict=True):
        for (name, course), (colour, marker) in zip(ways.items(), _WAYS, strict=False):
            means, lows, highs = 100 * np.transpose(course.y)
            reach = means - lows, highs - means
            ax.errorbar(
                course.x, means, reach, marker=marker, color=colour, lw=1.2, label=name
            )
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_title(title)
        ax.legend(loc="upper right")
    axes[0, 0].invert_xaxis()
    axes[0, 0].set_ylabel(ylabel)
    figure.supxlabel("training loss (nats); right: fits the training images better")
    return done(figure)


def attention_through(runs: Runs) -> Figure:
    """Attention to the object through training: every seed, and their mean.

    Parameters
    ----------
    runs : mapping of str to array, shape (seeds, epochs + 1)
        By the network's name ("plain", "mask", "random") a share for every epoch, the
        first before training.
    """
    figure, ax = subplots(1, height=2.9)
    for name, shares in runs.items():
        epochs = np.arange(np.shape(shares)[1])
        _runs(ax, epochs, 100 * np.asarray(shares), COMPARED[name], name)
    ax.set(xlabel="epoch", ylabel="input gradient on the object (%)")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_title("Attention through training", color=INK)
    name_ends(ax)
    return done(figure)


def through_training(
    quantities: Mapping[str, Mapping[str, Runs]], epochs: Sequence[int]
) -> Figure:
    """Numbers of families of networks over epochs: every seed, and their mean.

    Parameters
    ----------
    quantities : mapping
        By the label of the vertical axis, the data set and the family, values of shape
        (seeds, epochs).
    epochs : sequence of int
        Which epochs these are.
    """
    figure, axes = subplots(
        2, rows=len(quantities), height=5.6, sharex=True, sharey="row"
    )
    for line, (label, groups) in zip(axes, quantities.items(), strict=True):
        for ax, data in zip(line, DATA, strict=True):
            for family, style in FAMILIES.items():
                _runs(ax, epochs, groups[data][family], style, family)
            ax.axhline(0, color=GREY, lw=0.9)
        line[0].set_ylabel(label)
    for ax, title in zip(axes[0], DATA.values(), strict=True):
        ax.set_title(title)
    for ax in axes[-1]:
        ax.set_xlabel("epoch")
        ax.set_xticks(epochs, [str(epoch) for epoch in epochs])
    legend_below(figure, axes[0, 0])
    return done(figure)


def gap(
    panels: Mapping[str, Mapping[str, Mapping[str, ArrayLike]]], ylabel: str
) -> Figure:
    """One number over another, a dot for every run and epoch.

    Parameters
    ----------
    panels : mapping
        By the label of the horizontal axis, the data set (circles, then triangles) and
        the family, pairs of shape (N, 2).
    ylabel : str
        Of the vertical axis.
    """
    figure, axes = subplots(len(panels), height=2.9, sharey=True)
    for ax, (label, groups) in zip(axes, panels.items(), strict=True):
        for (data, families), marker in zip(groups.items(), "o^", strict=True):
            for family, dots in families.items():
                style = {"color": FAMILIES[family].colour, "ms": 4.5, "alpha": 0.6}
                name = family if data == next(iter(groups)) else None
                ax.plot(*np.transpose(dots), marker, label=name, mew=0, **style)
        ax.set_xlabel(label)
    axes[0].set_ylabel(ylabel)
    axes[-1].legend()
    return done(figure)


def _runs(ax: Axes, x: ArrayLike, runs: ArrayLike, style: Style, label: str) -> None:
    """Every seed, thin, and their mean."""
    values = np.asarray(runs, dtype=float)
    look: dict[str, Any] = {"color": style.colour, "ls": style.line}
    for one in values:
        ax.plot(x, one, lw=0.8, alpha=0.45, **look)
    ax.plot(x, values.mean(0), label=label, **look)
