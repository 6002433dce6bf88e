"""The gain plane: what a mask of given hit and false-alarm rate is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from gradmask.lab.figures.style import (
    COLOURS,
    INK,
    SIDES,
    done,
    legend_of_sides,
    subplots,
)
from gradmask.lab.reports.gain import Plane
from gradmask.lab.reports.layers import LayerRates

__all__ = ["gain_plane", "layers_on_plane", "masks_on_planes"]

_LEVELS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
_STEPS = 8  # in an octave of gain: a smooth ground would make a heavy picture
_GROUND = LinearSegmentedColormap.from_list("gain", ["#f3c78f", "#ffffff", "#8fbfdf"])
_HALO = [withStroke(linewidth=2.5, foreground="white")]
_MARK = {"mfc": COLOURS["object"], "mec": "white", "clip_on": False}


def gain_plane(ax: Axes, plane: Plane) -> None:
    r"""Draw the plane of rates: contours of the gain, and what lies on it.

    The ground is blue where the gain is above one and orange where it is below.  Dashed
    is the line of the random mask, p = q.  Dotted are the curves of the detectors, from
    the upper right to the lower left.  Measured masks are drawn over it:
    ``ax.plot(q, p, "o")``.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw: the false-alarm rate q to the right, the hit rate p upwards.
    plane : Plane
        What is drawn.
    """
    ax.imshow(
        np.round(_STEPS * np.log2(plane.gain)) / _STEPS,
        extent=(0, 1, 0, 1),
        origin="lower",
        aspect="auto",
        cmap=_GROUND,
        vmin=-2.5,
        vmax=2.5,
        interpolation="nearest",
    )
    levels = [level for level in _LEVELS if level < 1 / plane.occupancy]
    widths = [1.8 if level == 1 else 0.8 for level in levels]
    blue = COLOURS["mask"]
    lines = ax.contour(
        plane.q, plane.p, plane.gain, levels, colors=blue, linewidths=widths
    )
    places = [_on_contour(level, plane.occupancy) for level in levels]
    ax.clabel(lines, fmt="×{:g}".format, fontsize=7.5, manual=places)
    ax.plot([0, 1], [0, 1], "--", color=COLOURS["random"], lw=1.6)
    _label(ax, 0.65, 0.61, "random mask", rotation=45)
    for detector in plane.detectors:
        ax.plot(detector.q, detector.p, ":", color=INK, lw=1.2)
        _label(ax, *detector.label, f"d = {detector.d:g}")
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="false-alarm rate q", ylabel="hit rate p")
    ax.grid(False)


def masks_on_planes(
    planes: Sequence[Plane], masks: Sequence[Mapping[str, tuple[float, float]]]
) -> Figure:
    """Planes side by side, with masks (q, p) by name on each."""
    figure, axes = subplots(len(planes), height=4.0, squeeze=False)
    for ax, plane, points in zip(axes[0], planes, masks, strict=True):
        gain_plane(ax, plane)
        ax.set_title(f"object: {plane.occupancy:.1%} of the noise energy")
        for (name, (q, p)), marker in zip(points.items(), "os^Dv", strict=False):
            ax.plot(q, p, marker, ms=9, zorder=5, ls="", label=name, **_MARK)
        ax.legend(loc="lower right", frameon=True, framealpha=0.9, edgecolor="none")
    return done(figure)


def layers_on_plane(plane: Plane, masks: Mapping[str, Sequence[LayerRates]]) -> Figure:
    """Every layer's rates on the gain plane, its colour the size of its map.

    Parameters
    ----------
    plane : Plane
        The plane.
    masks : mapping of str to sequence of LayerRates
        By the name of each mask, the layers.
    """
    figure, ax = subplots(1, height=4.8)
    gain_plane(ax, plane)
    for (name, layers), marker in zip(masks.items(), "os^X", strict=False):
        for layer in layers:
            style = {"color": SIDES[layer.side].colour, "mec": "white", "mew": 0.7}
            ax.plot(layer.false_alarm, layer.hit, marker, ms=7, clip_on=False, **style)
        ax.plot([], [], marker, color=INK, mec="white", label=name)
    figure.legend(loc="outside lower center", ncols=2)
    legend_of_sides(figure)
    return done(figure)


def _on_contour(gain: float, occupancy: float) -> tuple[float, float]:
    """Where a contour meets p = 0.94 or, if that is far to the right, q = 0.86."""
    q = (0.94**2 / gain - occupancy * 0.94) / (1 - occupancy)
    if q < 0.86:
        return q, 0.94
    half = gain * occupancy / 2
    return 0.86, half + (half**2 + gain * (1 - occupancy) * 0.86) ** 0.5


def _label(ax: Axes, x: float, y: float, text: str, rotation: float = 0) -> None:
    ax.text(
        x,
        y,
        text,
        color=INK,
        fontsize=8,
        ha="center",
        va="center",
        rotation=rotation,
        rotation_mode="anchor",
        transform_rotates_text=True,
        path_effects=_HALO,
    )
