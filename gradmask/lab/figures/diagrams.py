"""Diagrams that show no number."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradmask.lab.figures.style import COLOURS, INK, WIDTH, done

__all__ = ["routes"]


def routes() -> Figure:
    """Diagram of the two routes: what the mask touches, and what it leaves alone."""
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    for ax, route in zip(axes, ("signal", "weights"), strict=True):
        ax.set(xlim=(0, 10), ylim=(-0.2, 5.4), title=f'route="{route}"')
        ax.axis("off")
        for level, label in enumerate(("layer 1", "layer 2", "layer 3")):
            y = 0.4 + 1.5 * level
            _box(ax, 2.2, y, label, "#eef1f4")
            _box(ax, 8.2, y, "weights", "#eef1f4")
            start, colour = (3.9, COLOURS["mask"])
            if route == "weights":
                _dot(ax, 5.2, y)
                ax.annotate("", (6.5, y), (5.5, y), arrowprops=_arrow(colour))
                ax.annotate("", (4.9, y), (start, y), arrowprops=_arrow(INK))
            else:
                ax.annotate("", (6.5, y), (start, y), arrowprops=_arrow(colour))
            top = y + 1.5
            if route == "signal":
                below, above = COLOURS["mask"], INK if level == 2 else COLOURS["mask"]
                ax.annotate(
                    "", (2.2, y + 0.45), (2.2, y + 0.63), arrowprops=_arrow(below)
                )
                _dot(ax, 2.2, y + 0.78)
                if level == 2:
                    ax.plot([2.2, 2.2], [y + 0.93, top - 0.35], color=above, lw=1.6)
            else:
                ax.annotate(
                    "", (2.2, y + 0.45), (2.2, top - 0.4), arrowprops=_arrow(INK)
                )
        ax.text(2.2, 4.75, "error from the loss", ha="center", fontsize=8.5)
        ax.text(6.4, 4.75, "blue: masked error", ha="center", fontsize=8.5,
                color=COLOURS["mask"])  # fmt: skip
    return done(figure)


def _box(ax: Axes, x: float, y: float, label: str, colour: str) -> None:
    style = {"boxstyle": "round,pad=0.45", "fc": colour, "ec": "#8b949e", "lw": 0.8}
    ax.text(x, y, label, ha="center", va="center", fontsize=9, bbox=style)


def _dot(ax: Axes, x: float, y: float) -> None:
    ax.plot(x, y, "o", ms=10, mfc="white", mec=COLOURS["mask"], mew=1.8)
    ax.plot(x, y, "o", ms=3.6, color=COLOURS["mask"])


def _arrow(colour: str) -> dict[str, Any]:
    return {"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
