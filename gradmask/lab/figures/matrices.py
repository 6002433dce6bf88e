"""Tables in colours: cosines of samples, layers over epochs, and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gradmask.lab.figures.style import INK, done, show_map, subplots
from gradmask.lab.reports.layers import Settings

__all__ = ["by_layer", "cosines", "settings"]


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
