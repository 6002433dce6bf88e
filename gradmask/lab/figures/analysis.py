"""Pictures of the analysis: the model, the detector, prediction against measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from torch import Tensor

from gradmask.functional import error_energy, lateral_mask, lateral_response
from gradmask.lab.figures.style import COLOURS, INK, done, panels, show_map
from gradmask.lab.reports.stats import Interval

__all__ = ["Comparison", "against", "agreement", "kept_share", "model"]

_PALETTE = [COLOURS[name] for name in ("mask", "object", "top-k", "other", "random")]
_MARKERS = "os^Dv"


class Comparison(NamedTuple):
    """Measured intervals over x by the name of a series, and what was predicted.

    A series may have several predictions, by name; the first is drawn solid.
    """

    x: Sequence[float]
    measured: Mapping[str, Sequence[Interval]]
    predicted: Mapping[str, Mapping[str, Sequence[float]]]


def model(delta: Tensor, kernel: Tensor, support: Tensor) -> Figure:
    """One sample of the model: the signal's place, energy, response, mask, the rest.

    Parameters
    ----------
    delta : Tensor
        Error signal (1, C, H, W).
    kernel : Tensor
        Of the mask.
    support : Tensor
        Bool map (H, W) of the object.
    """
    energy = error_energy(delta)
    mask = lateral_mask(energy, kernel)
    figure, axes = panels(5, height=1.85)
    loudest = float(energy.max())
    show_map(axes[0], support, "signal", cmap="gray", vmin=0, vmax=1)
    show_map(axes[1], energy[0, 0], "energy e", vmin=0, vmax=loudest)
    response = lateral_response(energy, kernel)[0, 0]
    show_map(axes[2], response, "response r", signed=True)
    show_map(axes[3], mask[0, 0], "mask m", cmap="gray", vmin=0, vmax=1)
    show_map(axes[4], (mask * energy)[0, 0], "kept, m e", vmin=0, vmax=loudest)
    for ax in axes[1:]:
        ax.contour(support, levels=[0.5], colors=COLOURS["top-k"], linewidths=1)
    return done(figure)


def kept_share(
    predicted: Mapping[float, Tensor],
    measured: Mapping[float, Tensor],
    count: int,
    support: Tensor,
) -> Figure:
    """How often positions are kept: both maps, and the cut through the middle.

    Parameters
    ----------
    predicted, measured : mapping of float to Tensor
        Maps (H, W) by the threshold; those of the first are drawn as pictures.
    count : int
        Samples behind the measured shares, for their binomial intervals.
    support : Tensor
        Bool map (H, W) of the object.
    """
    figure, axes = panels(3, height=2.6, width_ratios=[1, 1, 1.9])
    first = next(iter(predicted))
    for ax, field, title in (
        (axes[0], predicted[first], "predicted"),
        (axes[1], measured[first], "measured"),
    ):
        show_map(ax, field - 0.5, title, signed=True, vmin=-0.5, vmax=0.5)
        ax.contour(support, levels=[0.5], colors=COLOURS["top-k"], linewidths=1)
    cut, middle = axes[2], len(support) // 2
    x = np.arange(support.shape[1]) - middle
    inside = x[np.asarray(support[middle])]
    cut.axvspan(inside[0] - 0.5, inside[-1] + 0.5, color=COLOURS["top-k"], alpha=0.15)
    for colour, threshold in zip(_PALETTE, predicted, strict=False):
        share = np.asarray(measured[threshold][middle])
        reach = 1.96 * np.sqrt(share * (1 - share) / count)
        cut.errorbar(x, share, reach, fmt=".", ms=4, lw=1, color=colour)
        line = predicted[threshold][middle]
        cut.plot(x, line, color=colour, lw=1.2, label=f"threshold {threshold:g}")
    cut.axhline(0.5, color=INK, lw=0.8, ls=":")
    cut.set(title="Share kept, middle row", xlabel="pixels from the centre")
    cut.set_ylim(-0.02, 1.19)
    cut.legend(loc="upper right", ncols=2)
    return done(figure)


def agreement(
    groups: Mapping[str, Mapping[str, Sequence[tuple[float, Interval]]]],
) -> Figure:
    """Measured gain over the predicted one, at every predicted gain.

    Parameters
    ----------
    groups : mapping
        For every panel's title, by series, pairs of prediction and measurement.
    """
    figure, axes = panels(len(groups), height=3.0, squeeze=False, sharey=True)
    for ax, (title, series) in zip(axes[0], groups.items(), strict=True):
        ax.axhspan(0.95, 1.05, color="#e6e9ec", lw=0)
        ax.axhline(1, color=INK, lw=0.8)
        for (name, points), colour, marker in zip(
            series.items(), _PALETTE, _MARKERS, strict=False
        ):
            x = [predicted for predicted, _ in points]
            ratios = [
                Interval(*(end / predicted for end in measured))
                for predicted, measured in points
            ]
            _bars(ax, x, ratios, colour, marker, name)
        ax.set(xscale="log", title=title, xlabel="predicted gain")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.legend(ncols=2, fontsize=8)
    axes[0, 0].set_ylabel("measured / predicted")
    return done(figure)


def against(
    comparisons: Mapping[str, Comparison],
    xlabel: str,
    ylabel: str = "gain",
    *,
    log: str = "",
    mark: float | None = None,
    height: float = 3.0,
) -> Figure:
    """Measurements as dots with intervals over x, predictions as lines, in panels.

    Parameters
    ----------
    comparisons : mapping of str to Comparison
        By the panel's title; panels share the vertical axis.
    xlabel, ylabel : str
        Of the axes.
    log : str, default ""
        Axes that are logarithmic: "x", "y" or "xy".
    mark : float, optional
        A place on the horizontal axis to mark.
    height : float, default 3.0
        Of the figure, in inches.
    """
    figure, axes = panels(len(comparisons), height=height, squeeze=False, sharey=True)
    for ax, (title, comparison) in zip(axes[0], comparisons.items(), strict=True):
        series = zip(comparison.measured.items(), _PALETTE, _MARKERS, strict=False)
        for (name, intervals), colour, marker in series:
            _bars(ax, comparison.x, intervals, colour, marker, name)
            lines = comparison.predicted.get(name, {})
            for (label, y), dash in zip(lines.items(), ("-", "--", ":"), strict=False):
                ax.plot(
                    comparison.x, y, dash, color=colour, lw=1.4, label=label or None
                )
        if ylabel == "gain":
            ax.axhline(1, color=INK, lw=0.8)
        if mark is not None:
            ax.axvline(mark, color=INK, lw=1, ls=":")
        ax.set(title=title, xlabel=xlabel)
        for axis, scale in (("x", ax.set_xscale), ("y", ax.set_yscale)):
            if axis in log:
                scale("log", base=2)
                getattr(ax, f"{axis}axis").set_major_formatter("{x:g}")
        if all(isinstance(value, int) for value in comparison.x):
            ax.set_xticks(comparison.x)
        crowded = len(ax.get_legend_handles_labels()[0]) > 4 and "y" not in log
        if crowded:
            ax.margins(y=0.25)
        ax.legend(ncols=1 + crowded)
    axes[0, 0].set_ylabel(ylabel)
    return done(figure)


def _bars(
    ax: Axes,
    x: Sequence[float],
    intervals: Sequence[Interval],
    colour: str,
    marker: str,
    name: str,
) -> None:
    mean, low, high = np.array(intervals).T
    ax.errorbar(
        x, mean, [mean - low, high - mean], fmt=marker, ms=4.5, lw=1.2, color=colour,
        label=name,
    )  # fmt: skip
