"""Tables in colours: cosines of samples, layers over epochs, settings, and means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gradmask.lab.figures.style import GREY, INK, done, show_map, subplots
from gradmask.lab.reports.layers import Settings
from gradmask.lab.reports.stats import Interval

__all__ = ["by_layer", "cosines", "means", "settings"]


def cosines(matrices: Mapping[str, ArrayLike], labels: ArrayLike) -> Figure:
    """Cosines between the gradients of samples, ordered by class.

    Parameters
    ----------
    matrices : mapping of str to array, shape (B, B)
        By title.
    labels : array of int, shape (B,)
        Classes.
    """
    classes = np.asarray(labels)
    order = np.argsort(classes, kind="stable")
    borders = np.flatnonzero(np.diff(classes[order])) + 0.5
    figure, axes = subplots(len(matrices), height=2.75, squeeze=False)
    for ax, (title, matrix) in zip(axes[0], matrices.items(), strict=True):
        ordered = np.asarray(matrix)[np.ix_(order, order)]
        show_map(ax, ordered, title, signed=True, vmin=-1, vmax=1)
        ax.set(xticks=borders, yticks=borders, xticklabels=[], yticklabels=[])
        ax.tick_params(length=3, width=0.6)
        ax.set_xlabel("sample, by class")
    figure.colorbar(axes[0, -1].images[0], ax=axes, label="cosine", shrink=0.85)
    return done(figure)


def by_layer(
    quantities: Mapping[str, Mapping[str, ArrayLike]],
    epochs: Sequence[int],
    signed: Sequence[str] = (),
) -> Figure:
    """Numbers by layer and epoch: a map for each of them and every family.

    Parameters
    ----------
    quantities : mapping of str to mapping of str to array, shape (layers, epochs)
        By the number's title and the family; all maps of a number share one scale.
    epochs : sequence of int
        Which epochs these are.
    signed : sequence of str
        Titles of the numbers of either sign, which are coloured about zero.
    """
    families = list(next(iter(quantities.values())))
    height = 1.75 * len(quantities)
    figure, axes = subplots(len(families), len(quantities), height, squeeze=False)
    for line, (title, maps) in zip(axes, quantities.items(), strict=True):
        low, high = (f([f(m) for m in maps.values()]) for f in (np.nanmin, np.nanmax))
        if title in signed:
            low, high = -max(-low, high), max(-low, high)
        cmap = "PuOr" if title in signed else "viridis"
        for ax, values in zip(line, maps.values(), strict=True):
            show_map(ax, values, "", cmap=cmap, aspect="auto", vmin=low, vmax=high)
            ax.set_yticks([0, len(np.asarray(values)) - 1], ["first", "last"])
        line[0].set_ylabel(title)
        figure.colorbar(line[-1].images[0], ax=line, pad=0.01)
    for top, bottom, family in zip(axes[0], axes[-1], families, strict=True):
        top.set_title(family)
        bottom.set_xlabel("epoch")
        bottom.set_xticks(range(len(epochs)), [str(e) for e in epochs], fontsize=7)
    return done(figure)


def settings(found: Settings) -> Figure:
    """Pooled gain of every setting, by the map's side: tables in colours."""
    figure, axes = subplots(len(found.gains), height=2.6, sharey=True)
    for ax, ((energy, threshold), gains) in zip(axes, found.gains.items(), strict=True):
        ax.imshow(np.log2(gains), cmap="RdBu", vmin=-1.5, vmax=1.5, aspect="auto")
        for (i, j), gain in np.ndenumerate(gains):
            ink = "white" if abs(np.log2(gain)) > 1 else INK
            ax.text(j, i, f"{gain:.2f}", ha="center", va="center", color=ink)
        ax.set_xticks(range(len(found.sides)), [f"{side}" for side in found.sides])
        ax.set_yticks(range(len(found.sigmas)), [f"{s:g}" for s in found.sigmas])
        ax.set(title=f"{energy},\nthreshold {threshold:g}", xlabel="map's side")
        ax.grid(False)
    axes[0].set_ylabel("sigma / width")
    return done(figure)


def means(
    panels: Mapping[str, Mapping[str, Mapping[str, Interval]]],
    unit: str,
    *,
    differences: bool = False,
) -> Figure:
    """Means in coloured cells, a table for each panel.

    Parameters
    ----------
    panels : mapping of str to mapping of str to mapping of str to Interval
        By the panel's title, the line and the column.
    unit : str
        Of the numbers, and what their colours say.
    differences : bool, default False
        Whether these are differences: blue above zero, red below, and bold; grey on
        white where the interval contains zero.
    """
    lines = next(iter(panels.values()))
    columns = list(next(iter(lines.values())))
    height = 1.15 + 0.26 * len(lines)
    figure, axes = subplots(len(panels), height=height, sharey=True, squeeze=False)
    for ax, (title, table) in zip(axes[0], panels.items(), strict=True):
        cells = [[table[line][column] for column in columns] for line in lines]
        shown = np.array([[cell.mean for cell in row] for row in cells])
        if differences:
            clear = np.array([[cell.excludes_zero for cell in row] for row in cells])
            largest = np.abs(shown).max()
            share = np.where(clear, shown, 0) / largest
            ax.imshow(share, cmap="RdBu", vmin=-1.2, vmax=1.2, aspect="auto")
        else:
            clear = np.ones_like(shown, dtype=bool)
            share = (shown - min(0, shown.min())) / shown.max()
            ax.imshow(share, cmap="Blues", vmin=0, vmax=1.1, aspect="auto")
        for (i, j), mean in np.ndenumerate(shown):
            bold = differences and clear[i, j]
            ax.text(
                j, i, _signed(mean) if differences else f"{mean:.2f}",
                ha="center", va="center", fontsize=8.5,
                color=_ink(share[i, j]) if clear[i, j] else GREY,
                weight="bold" if bold else "normal",
            )  # fmt: skip
        ax.set_xticks(range(len(columns)), columns, rotation=35, ha="right")
        ax.set_title(title)
        ax.grid(False)
    axes[0, 0].set_yticks(range(len(lines)), list(lines))
    figure.supxlabel(unit, fontsize=9)
    return done(figure)


def _signed(mean: float) -> str:
    text = f"{mean:+.2f}".replace("-", "−")
    return "0.00" if text.endswith("0.00") else text


def _ink(share: float) -> str:
    """Colour of letters on a cell of this share of the darkest colour."""
    return "white" if abs(share) > 0.6 else INK
