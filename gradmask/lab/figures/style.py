"""One look for every figure: colours, sizes, and how a map or an interval is drawn."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import cycler
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from gradmask.lab.figures.pieces import printed

__all__ = [
    "COLOURS",
    "COMPARED",
    "FAMILIES",
    "GREY",
    "GUIDES",
    "INK",
    "MAPS",
    "SIDES",
    "WIDTH",
    "Place",
    "Style",
    "done",
    "frame",
    "interval_line",
    "legend_below",
    "legend_of_sides",
    "legend_outside",
    "outline",
    "show_map",
    "signed_bar",
    "subplots",
    "use_style",
]

WIDTH = 7.6
INK = "#24292f"
GREY = "#8b949e"

# Okabe and Ito's palette, which colour-blind readers can tell apart.
COLOURS = {
    "plain": "#5c6670",
    "mask": "#0072b2",
    "random": "#e69f00",
    "top-k": "#009e73",
    "object": "#d55e00",
    "other": "#cc79a7",
}

Place = Literal["outside lower center", "outside upper right"]


class Style(NamedTuple):
    """Colour, line and marker of a series."""

    colour: str
    line: str = "-"
    marker: str = "o"


COMPARED = {
    "mask": Style(COLOURS["mask"]),
    "plain": Style(COLOURS["plain"]),
    "stopped early": Style(COLOURS["object"], "--"),
    "random": Style(COLOURS["random"], "-."),
    "top-k": Style(COLOURS["top-k"], ":"),
    "literal": Style(COLOURS["other"], "--"),
}
"""Of a mask and of what it is compared with."""

WAYS = {
    "plain": COMPARED["plain"],
    "literal mask": COMPARED["literal"],
    "mask from theory": COMPARED["mask"],
    "soft mask": Style(COLOURS["object"], "-."),
}
"""Of masks next to plain training."""

FAMILIES = {
    "cnn": Style(COLOURS["object"]),
    "vgg": Style(COLOURS["top-k"]),
    "resnet": Style(COLOURS["mask"]),
    "mobilenet": Style(COLOURS["other"]),
}
"""Of families of networks."""

MAPS = {
    "lateral": Style(COLOURS["mask"]),
    "gradient": Style(COLOURS["top-k"]),
    "integrated": Style(COLOURS["other"]),
    "grad-cam": Style(COLOURS["object"]),
    "grad-cam++": Style(COLOURS["random"]),
    "random": Style(COLOURS["plain"], ":"),
    "centre": Style(COLOURS["plain"], "--"),
}
"""Of saliency maps."""

GUIDES = {
    "random": Style(COLOURS["random"], marker="s"),
    "lateral": Style(COLOURS["mask"]),
    "Grad-CAM": Style(COLOURS["top-k"], marker="^"),
    "object": Style(COLOURS["object"], marker="P"),
}
"""Of everything that says where the object is."""

SIDES = {
    32: Style(COLOURS["mask"]),
    16: Style(COLOURS["top-k"]),
    8: Style(COLOURS["object"]),
}
"""Of layers, by the side of their maps."""


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
        from IPython import get_ipython
    except ImportError:
        return
    if shell := get_ipython():
        shell.display_formatter.formatters["image/png"].for_type(BookFigure, printed)


class BookFigure(Figure):
    """A figure that notebooks show as :func:`gradmask.lab.figures.pieces.printed`."""


def subplots(columns: int, rows: int = 1, height: float = 2.4, **kwargs: Any) -> Any:
    """Make a figure of the book's width and its axes, as ``plt.subplots`` does."""
    size = WIDTH, height
    return plt.subplots(rows, columns, figsize=size, FigureClass=BookFigure, **kwargs)


def show_map(
    ax: Axes,
    field: ArrayLike,
    title: str,
    *,
    signed: bool = False,
    cmap: str | None = None,
    **kwargs: Any,
) -> None:
    """Draw a map (H, W) or picture (H, W, 3) without ticks; a signed one about zero."""
    values = np.asarray(field, dtype=float)
    if signed:
        limit = float(np.abs(values).max()) or 1.0
        kwargs = {"vmin": -limit, "vmax": limit} | kwargs
    ax.imshow(values, cmap=cmap or ("PuOr" if signed else "magma"), **kwargs)
    ax.set(title=title, xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set(visible=True, color="#c5cad0", linewidth=0.6)


def signed_bar(figure: Figure, ax: Axes, beside: Any, **kwargs: Any) -> None:
    """Explain the colours of a signed map next to axes: above and below zero."""
    image = ax.images[0]
    bar = figure.colorbar(image, ax=beside, ticks=[*image.get_clim(), 0], **kwargs)
    bar.set_ticklabels(["−", "+", "0"])
    bar.ax.tick_params(length=0)


def outline(
    ax: Axes,
    mask: ArrayLike,
    side: int | None = None,
    *,
    colour: str = COLOURS["top-k"],
    width: float = 1.0,
) -> None:
    """Draw the outline of an object's mask (S, S), on a map of `side` if given."""
    cover = np.asarray(mask, dtype=float)
    scale = (side or len(cover)) / len(cover)
    places = (np.arange(len(cover)) + 0.5) * scale - 0.5
    ax.contour(places, places, cover, [0.5], colors=colour, linewidths=width)


def frame(ax: Axes, box: ArrayLike, colour: str) -> None:
    """Draw a box (x0, y0, x1, y1) around its pixels."""
    x0, y0, x1, y1 = np.asarray(box, dtype=float) - 0.5
    patch = Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec=colour, lw=0.9)
    ax.add_patch(patch)


def interval_line(
    ax: Axes,
    interval: ArrayLike,
    y: float,
    colour: str,
    *,
    filled: bool,
    marker: str = "o",
    size: float = 7,
) -> None:
    """Draw a mean and the ends of its interval; hollow where nothing may be claimed."""
    mean, low, high = np.asarray(interval)
    ax.plot([low, high], [y, y], color=colour, lw=0.43 * size, solid_capstyle="butt")
    face = colour if filled else "white"
    ax.plot(mean, y, marker, mfc=face, mec=colour, mew=0.23 * size, ms=size)


def legend_below(figure: Figure, ax: Axes) -> None:
    """Explain the lines of one of a figure's axes below all of them."""
    legend_outside(figure, ax, "outside lower center")


def legend_outside(
    figure: Figure,
    ax: Axes,
    place: Place,
) -> None:
    """Explain the lines of one of a figure's axes at a place outside all of them."""
    handles, names = ax.get_legend_handles_labels()
    tight = {"columnspacing": 1.2, "handletextpad": 0.4}
    figure.legend(handles, names, loc=place, ncols=len(names), **tight)


def legend_of_sides(figure: Figure) -> None:
    """Explain the colours of layers above a figure."""
    handles = [
        Line2D([], [], ls="", marker="o", color=style.colour, label=f"maps of {n}x{n}")
        for n, style in SIDES.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)


def done(figure: Figure) -> Figure:
    """Return a finished figure once, so that a notebook does not show it twice."""
    plt.close(figure)
    return figure
