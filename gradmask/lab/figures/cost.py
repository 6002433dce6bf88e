"""The picture of what a mask costs."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gradmask.lab.figures.style import COLOURS, INK, done, panels
from gradmask.lab.measures.cost import averaged
from gradmask.lab.records import Row

__all__ = ["step_ratios"]

_COLOURS = {
    "signal": COLOURS["mask"],
    "weights": COLOURS["top-k"],
    "plain hook": COLOURS["plain"],
}


def step_ratios(rows: Sequence[Row]) -> Figure:
    """Time of a step with each mask over a plain one: medians, between quartiles.

    Hollow: the floor, which every mask on its route must pay.

    Parameters
    ----------
    rows : sequence of dict
        Training steps of the record "overhead".
    """
    steps = [row for row in averaged(rows) if row["variant"] != "plain"]
    networks = list(dict.fromkeys(row["network"] for row in steps))
    names = list(dict.fromkeys(row["variant"] for row in steps))[::-1]
    figure, axes = panels(
        len(networks), height=2.9, sharex=True, sharey=True, squeeze=False
    )
    for ax, network in zip(axes[0], networks, strict=True):
        for row in (row for row in steps if row["network"] == network):
            y, colour = names.index(row["variant"]), _COLOURS[_route(row["variant"])]
            ax.plot([row["low"], row["high"]], [y, y], color=colour, lw=3, alpha=0.45)
            face = "white" if "floor" in row["variant"] else colour
            ax.plot(row["ratio"], y, "o", mfc=face, mec=colour, mew=1.6, ms=6)
        ax.axvline(1, color=INK, lw=1)
        ax.set_xscale("log")
        ax.set_xticks([1, 1.2, 1.5, 2, 3])
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_yticks(range(len(names)), names)
        ax.set(title=network, xlabel="time of a step, over plain")
        ax.grid(axis="y")
    return done(figure)


def _route(variant: str) -> str:
    return variant.partition(",")[0]
