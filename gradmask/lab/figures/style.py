"""One look for every figure: colours, sizes and how a map is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cycler
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

__all__ = [
    "COLOURS",
    "INK",
    "WIDTH",
    "interval_line",
    "legend_below",
    "panels",
    "show_map",
    "use_style",
]

WIDTH = 7.6
INK = "#24292f"

# Okabe and Ito's palette, which colour-blind readers can tell apart.
COLOURS = {
    "plain": "#5c6670",
    "mask": "#0072b2",
    "random": "#e69f00",
    "top-k": "#009e73",
    "object": "#d55e00",
    "other": "#cc79a7",
}


def use_style() -> None:
    """Set the book's figure style in the running kernel."""
    mpl.rcParams.update(
        {
            "figure.dpi": 110,
            "savefig.dpi": 220,
            "savefig.facecolor": "white",
            "figure.constrained_layout.use": True,
            "font.family": "DejaVu Sans",
            "font.size": 9,
            "axes.titlesize": 9.5,
            "axes.titlepad": 6,
            "axes.titlelocation": "left",
            "axes.labelsize": 9,
            "axes.labelcolor": INK,
            "axes.edgecolor": "#8b949e",
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.prop_cycle": cycler.cycler(color=list(COLOURS.values())),
            "grid.color": "#e6e9ec",
            "grid.linewidth": 0.7,
            "lines.linewidth": 1.8,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.labelsize": 8.5,
            "ytick.labelsize": 8.5,
            "legend.frameon": False,
            "legend.fontsize": 8.5,
            "svg.hashsalt": "gradmask",
        }
    )
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    set_matplotlib_formats("retina")


def panels(columns: int, rows: int = 1, height: float = 2.4, **kwargs: Any) -> Any:
    """Make a figure of the book's width and its axes, as ``plt.subplots`` does."""
    return plt.subplots(rows, columns, figsize=(WIDTH, height), **kwargs)


def show_map(
    ax: Axes,
    field: Tensor | np.ndarray[Any, Any],
    title: str,
    *,
    signed: bool = False,
    cmap: str | None = None,
    **kwargs: Any,
) -> None:
    """Draw a (H, W) map without ticks; a signed one diverges about zero."""
    values = np.asarray(field, dtype=float)
    if signed:
        limit = float(np.abs(values).max()) or 1.0
        kwargs = {"vmin": -limit, "vmax": limit} | kwargs
    ax.imshow(values, cmap=cmap or ("PuOr" if signed else "magma"), **kwargs)
    ax.set(title=title, xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set(visible=True, color="#c5cad0", linewidth=0.6)


def interval_line(
    ax: Axes,
    interval: Sequence[float],
    y: float,
    colour: str,
    *,
    filled: bool,
    marker: str = "o",
    size: float = 7,
) -> None:
    """Draw a mean and the ends of its interval; hollow where nothing may be claimed."""
    mean, low, high = interval
    ax.plot([low, high], [y, y], color=colour, lw=0.43 * size, solid_capstyle="butt")
    face = colour if filled else "white"
    ax.plot(mean, y, marker, mfc=face, mec=colour, mew=0.23 * size, ms=size)


def legend_below(figure: Figure, ax: Axes) -> None:
    """Explain the lines of one of a figure's axes below all of them."""
    handles, names = ax.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))


def done(figure: Figure) -> Figure:
    """Return a finished figure once, so that a notebook does not show it twice."""
    plt.close(figure)
    return figure
