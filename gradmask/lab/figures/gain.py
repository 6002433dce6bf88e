"""The gain plane: what a mask of given hit and false-alarm rate is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from gradmask.lab.figures.style import COLOURS, INK, done, panels
from gradmask.theory import false_alarm_rate, hit_rate, snr_gain

__all__ = ["gain_plane", "masks_on_planes"]

_LEVELS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
_GROUND = LinearSegmentedColormap.from_list("gain", ["#f3c78f", "#ffffff", "#8fbfdf"])
_HALO = [withStroke(linewidth=2.5, foreground="white")]


def gain_plane(
    ax: Axes, occupancy: float, *, detectors: Sequence[float] = (0.5, 1.0, 2.0)
) -> None:
    r"""Draw the plane of rates on which every mask is a point.

    Contours of the gain :math:`p^2 / (\pi p + (1 - \pi) q)`, on blue ground above one
    and on orange below; the line of the random mask, p = q; and, dotted, the curves
    that a detector of given d follows from the upper right to the lower left as its
    threshold rises.  Measured masks are drawn over it: ``ax.plot(q, p, "o")``.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw: the false-alarm rate q to the right, the hit rate p upwards.
    occupancy : float
        pi, the object's share of the noise's energy, between 0 and 1.
    detectors : sequence of float, default (0.5, 1, 2)
        Detectabilities d whose curves are drawn.

    Raises
    ------
    ValueError
        If the occupancy is not inside (0, 1).
    """
    if not 0 < occupancy < 1:
        raise ValueError(f"occupancy must lie inside (0, 1), got {occupancy}")
    p, q = np.meshgrid(np.linspace(1e-3, 1, 301), np.linspace(0, 1, 301), indexing="ij")
    gain = snr_gain(torch.from_numpy(p), torch.from_numpy(q), occupancy).numpy()
    ax.imshow(
        np.log2(gain),
        extent=(0, 1, 0, 1),
        origin="lower",
        aspect="auto",
        cmap=_GROUND,
        vmin=-2.5,
        vmax=2.5,
        interpolation="bilinear",
    )
    levels = [level for level in _LEVELS if level < 1 / occupancy]
    widths = [1.8 if level == 1 else 0.8 for level in levels]
    lines = ax.contour(q, p, gain, levels, colors=COLOURS["mask"], linewidths=widths)
    places = [_on_contour(level, occupancy) for level in levels]
    ax.clabel(lines, fmt="×{:g}".format, fontsize=7.5, manual=places)
    ax.plot([0, 1], [0, 1], "--", color=COLOURS["random"], lw=1.6)
    _label(ax, 0.65, 0.61, "random mask", INK, rotation=45)
    threshold = torch.linspace(-4, 6, 300, dtype=torch.float64)
    for d in detectors:
        ax.plot(
            false_alarm_rate(threshold), hit_rate(d, threshold), ":", color=INK, lw=1.2
        )
        _label(ax, false_alarm_rate(0.7 * d), hit_rate(0.3 * d, 0.0), f"d = {d:g}", INK)
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="false-alarm rate q", ylabel="hit rate p")
    ax.grid(False)


def masks_on_planes(
    masks: Mapping[float, Mapping[str, tuple[float, float]]],
    detectors: Sequence[float] = (0.5, 1.0, 2.0),
) -> Figure:
    """Planes side by side, one for each occupancy, with masks (q, p) by name on it."""
    figure, axes = panels(len(masks), height=4.0, squeeze=False)
    for ax, (occupancy, points) in zip(axes[0], masks.items(), strict=True):
        gain_plane(ax, occupancy, detectors=detectors)
        ax.set_title(f"object: {occupancy:.1%} of the noise energy")
        for (name, (q, p)), marker in zip(points.items(), "os^Dv", strict=False):
            style = {"mfc": COLOURS["object"], "mec": "white", "clip_on": False}
            ax.plot(q, p, marker, ms=9, zorder=5, ls="", label=name, **style)
        ax.legend(loc="lower right", frameon=True, framealpha=0.9, edgecolor="none")
    return done(figure)


def _on_contour(gain: float, occupancy: float) -> tuple[float, float]:
    """Where a contour meets p = 0.94 or, if that is far to the right, q = 0.86."""
    q = (0.94**2 / gain - occupancy * 0.94) / (1 - occupancy)
    if q < 0.86:
        return q, 0.94
    half = gain * occupancy / 2
    return 0.86, half + (half**2 + gain * (1 - occupancy) * 0.86) ** 0.5


def _label(
    ax: Axes, x: float, y: float, text: str, colour: str, rotation: float = 0
) -> None:
    ax.text(
        x,
        y,
        text,
        color=colour,
        fontsize=8,
        ha="center",
        va="center",
        rotation=rotation,
        rotation_mode="anchor",
        transform_rotates_text=True,
        path_effects=_HALO,
    )
