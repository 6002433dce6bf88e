"""Pictures of the Gradient Mask at work on real gradients."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from gradmask import GradientMask
from gradmask.functional import error_energy, lateral_mask, lateral_response
from gradmask.lab.data.scenes import Scenes
from gradmask.lab.figures.style import COLOURS, INK, WIDTH, done, panels, show_map

__all__ = ["anatomy", "every_layer", "routes", "scene_sheet"]


def scene_sheet(scenes: Scenes, names: tuple[str, ...], count: int = 6) -> Figure:
    """First scenes, each with its object outlined and boxed."""
    figure, axes = panels(count, height=1.5)
    for ax, image, label, mask, box in zip(
        axes, scenes.images, scenes.labels, scenes.mask, scenes.box, strict=False
    ):
        show_map(ax, image[0], names[int(label)], cmap="gray", vmin=0, vmax=1)
        _outline(ax, mask)
        x0, y0, x1, y1 = (box - 0.5).tolist()
        ax.add_patch(
            Rectangle(
                (x0, y0), x1 - x0, y1 - y0, fill=False, ec=COLOURS["mask"], lw=0.9
            )
        )
    return done(figure)


def anatomy(scenes: Scenes, delta: Tensor, kernel: Tensor) -> Figure:
    """From an error signal to the masked error, a row for every scene.

    Parameters
    ----------
    scenes : Scenes
        As many as there are rows.
    delta : Tensor
        Error signals (rows, C, H, W) of a layer whose map has the scenes' size.
    kernel : Tensor
        Of the mask.
    """
    energy = error_energy(delta)
    response = lateral_response(energy, kernel)
    mask = lateral_mask(energy, kernel)
    figure, axes = panels(5, len(delta), height=1.62 * len(delta), squeeze=False)
    for row, (image, outline, e, r, m) in enumerate(
        zip(scenes.images, scenes.mask, energy, response, mask, strict=False)
    ):
        titles = ("scene", "error energy", "lateral response", "mask", "masked error")
        titles = titles if row == 0 else ("",) * 5
        fields: list[tuple[Tensor, dict[str, Any]]] = [
            (image, {"cmap": "gray", "vmin": 0, "vmax": 1}),
            (e, {"vmin": 0, "vmax": float(e.max())}),
            (r, {"signed": True}),
            (m, {"cmap": "gray", "vmin": 0, "vmax": 1}),
            (e * m, {"vmin": 0, "vmax": float(e.max())}),
        ]
        for ax, title, (field, options) in zip(axes[row], titles, fields, strict=True):
            show_map(ax, field[0], title, **options)
            _outline(ax, outline)
    return done(figure)


def every_layer(errors: dict[str, Tensor], inhibition: GradientMask) -> Figure:
    """Error energy of one sample at every site, and below it what is kept."""
    figure, axes = panels(len(errors), rows=2, height=2.5, squeeze=False)
    for column, (name, delta) in enumerate(errors.items()):
        energy = error_energy(delta[:1])
        mask = inhibition.mask(delta[:1])
        kept = energy if mask is None else energy * mask
        side = "x".join(map(str, delta.shape[-2:]))
        for row, field in enumerate((energy, kept)):
            title = f"{name}\n{side}" if row == 0 else ""
            show_map(axes[row, column], field[0, 0], title, vmin=0, vmax=energy.max())
    axes[0, 0].set_ylabel("error energy")
    axes[1, 0].set_ylabel("kept")
    return done(figure)


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


def _outline(ax: Axes, mask: Tensor) -> None:
    ax.contour(np.asarray(mask), levels=[0.5], colors=COLOURS["top-k"], linewidths=0.9)
