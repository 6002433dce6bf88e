"""Pictures of the record of gradient quality: four families through training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gradmask.lab.figures.style import COLOURS, done, legend_below, panels, show_map
from gradmask.lab.records import Row
from gradmask.lab.reports.stats import Interval

__all__ = ["by_layer", "gap", "relations", "through_training"]

FAMILIES = {
    "cnn": COLOURS["object"],
    "vgg": COLOURS["top-k"],
    "resnet": COLOURS["mask"],
    "mobilenet": COLOURS["other"],
}
DATA = {"fashion": "Fashion-MNIST", "scenes": "cluttered scenes"}
_GREY = "#8b949e"


def through_training(rows: Sequence[Row]) -> Figure:
    """Q, mean lateral quality and generalisation gap over epochs.

    Parameters
    ----------
    rows : sequence of dict
        One for each seed, data set, family and epoch, with "q", "lgq" and "gap".
    """
    labels = {
        "q": "Q",
        "lgq": "LGQ,\nmean over layers",
        "gap": "generalisation\ngap (nats)",
    }
    epochs = sorted({row["epoch"] for row in rows})
    figure, axes = panels(2, rows=3, height=5.6, sharex=True, sharey="row")
    for column, (data, title) in zip(axes.T, DATA.items(), strict=True):
        for ax, (key, label) in zip(column, labels.items(), strict=True):
            for family, colour in FAMILIES.items():
                curves = _pivot(_of(rows, data, family), "seed", "epoch", key)
                ax.plot(curves.T, color=colour, lw=0.7, alpha=0.4)
                ax.plot(curves.mean(0), color=colour, label=family)
            ax.axhline(0, color=_GREY, lw=0.9)
            if data == "fashion":
                ax.set_ylabel(label)
        column[0].set_title(title)
        column[-1].set_xlabel("epoch")
        column[-1].set_xticks(range(len(epochs)), [str(epoch) for epoch in epochs])
    legend_below(figure, axes[0, 0])
    return done(figure)


def by_layer(rows: Sequence[Row], columns: Mapping[str, str]) -> Figure:
    """Means over seeds by layer and epoch: a map for every column and family.

    Parameters
    ----------
    rows : sequence of dict
        Those of the layers, of one data set.
    columns : mapping of str to str
        Title of every column that is drawn; all its maps share one scale.
    """
    families = [name for name in FAMILIES if any(r["family"] == name for r in rows)]
    epochs = sorted({row["epoch"] for row in rows})
    figure, axes = panels(
        len(families), rows=len(columns), height=1.75 * len(columns), squeeze=False
    )
    for line, (key, title) in zip(axes, columns.items(), strict=True):
        maps = [
            _pivot([r for r in rows if r["family"] == family], "layer", "epoch", key)
            for family in families
        ]
        low, high = (f([f(m) for m in maps]) for f in (np.nanmin, np.nanmax))
        for ax, values in zip(line, maps, strict=True):
            show_map(ax, values, "", cmap="viridis", aspect="auto", vmin=low, vmax=high)
            ax.set_yticks([0, len(values) - 1], ["first", "last"])
        line[0].set_ylabel(title)
        figure.colorbar(line[-1].images[0], ax=line, pad=0.01)
    for top, bottom, family in zip(axes[0], axes[-1], families, strict=True):
        top.set_title(family)
        bottom.set_xlabel("epoch")
        bottom.set_xticks(range(len(epochs)), [str(e) for e in epochs], fontsize=7)
    return done(figure)


def relations(
    table: Mapping[str, Mapping[tuple[str, str], Interval]], ways: Sequence[str]
) -> Figure:
    """Rank correlations with their intervals, a panel for every way to compare.

    Parameters
    ----------
    table : mapping of str to mapping
        For every relation the intervals by (way, family).
    ways : sequence of str
        Titles of the panels.
    """
    figure, axes = panels(
        len(ways), height=0.9 + 0.72 * len(table), sharey=True, squeeze=False
    )
    for ax, way in zip(axes[0], ways, strict=True):
        for index, (family, colour) in enumerate(FAMILIES.items()):
            y = np.arange(len(table)) + 0.17 * (index - 1.5)
            intervals = np.array([row[way, family] for row in table.values()])
            mean, low, high = intervals.T
            ax.hlines(y, low, high, color=colour, lw=2)
            ax.plot(mean, y, "o", ms=5, mec="white", color=colour, label=family)
        ax.axvline(0, color=_GREY, lw=0.9)
        ax.set(title=way, xlim=(-1.1, 1.1), xlabel="rank correlation")
        ax.grid(axis="y")
    axes[0, 0].set_yticks(range(len(table)), list(table))
    axes[0, 0].invert_yaxis()
    legend_below(figure, axes[0, 0])
    return done(figure)


def gap(rows: Sequence[Row]) -> Figure:
    """Generalisation gap over Q and over lateral quality: a dot for run and epoch.

    Parameters
    ----------
    rows : sequence of dict
        As of :func:`through_training`.
    """
    figure, axes = panels(2, height=2.9, sharey=True)
    for ax, key, label in zip(axes, ("q", "lgq"), ("Q", "mean LGQ"), strict=True):
        for data, marker in zip(DATA, "o^", strict=True):
            for family, colour in FAMILIES.items():
                dots = np.array([[r[key], r["gap"]] for r in _of(rows, data, family)])
                style = {"color": colour, "ms": 4.5, "alpha": 0.6, "mew": 0}
                name = family if data == "fashion" else None
                ax.plot(*dots.T, marker, label=name, **style)
        ax.set_xlabel(label)
    axes[0].set_ylabel("generalisation gap (nats)")
    axes[1].legend()
    return done(figure)


def _of(rows: Sequence[Row], data: str, family: str) -> list[Row]:
    return [row for row in rows if (row["data"], row["family"]) == (data, family)]


def _pivot(rows: Sequence[Row], index: str, column: str, value: str) -> NDArray[Any]:
    """Means of a column by two others: the first as they come, the second sorted."""
    cells = defaultdict(list)
    for row in rows:
        cells[row[index], row[column]].append(row[value])
    across = sorted({row[column] for row in rows})
    down = dict.fromkeys(row[index] for row in rows)
    return np.array([[np.mean(cells[i, c], dtype=float) for c in across] for i in down])
