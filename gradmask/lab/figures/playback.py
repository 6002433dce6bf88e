"""Training played back: one image's errors and masks, epoch by epoch, on the page.

What is shown was computed beforehand and lies in the page; it needs neither kernel nor
network.  A still picture takes its place where scripts are off.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from gradmask.lab.data.fashion import CLASSES
from gradmask.lab.data.scenes import Scenes
from gradmask.lab.figures.style import COLOURS, done, panels, show_map
from gradmask.lab.measures.layers.snapshot import Snapshot

__all__ = ["TrainingPanel", "unfolding"]


class TrainingPanel:
    """Energy and mask of some layers over the epochs, shown by a notebook.

    Parameters
    ----------
    scene : Scenes
        One scene.
    moments : sequence of Snapshot
        Of that scene, the first before training, then after every epoch.
    layers : sequence of str
        Which activations to show, in this order.
    """

    def __init__(
        self, scene: Scenes, moments: Sequence[Snapshot], layers: Sequence[str]
    ) -> None:
        self.scene, self.moments, self.layers = scene, moments, layers

    def _repr_html_(self) -> str:
        assets = files("gradmask.lab") / "assets"
        page = (assets / "training-panel.html").read_text(encoding="utf-8")
        picture = io.BytesIO()
        last = self.moments[-1]
        unfolding(self.scene, last, self.layers).savefig(picture, dpi=100)
        still = base64.b64encode(picture.getvalue()).decode()
        label = CLASSES[int(self.scene.labels[0])]
        alt = (
            f"A scene with its {label.lower()} outlined; the error energy and the mask "
            f"at the activations {', '.join(self.layers)} after the last epoch."
        )
        return (
            page.replace("{{data}}", json.dumps(self._data()))
            .replace("{{last}}", str(len(self.moments) - 1))
            .replace("{{layers}}", str(len(self.layers)))
            .replace("{{still}}", "data:image/png;base64," + still)
            .replace("{{alt}}", html.escape(alt))
        )

    def _data(self) -> dict[str, Any]:
        scene, moments = self.scene, self.moments
        return {
            "label": CLASSES[int(scene.labels[0])],
            "probability": [round(moment.probability, 3) for moment in moments],
            "side": scene.images.shape[-1],
            "scene": _packed([scene.images[0, 0]]),
            "object": _packed([scene.mask[0].float()]),
            "layers": [
                {
                    "name": name,
                    "side": moments[0].energy[name].shape[-1],
                    "energy": _packed([_scaled(m.energy[name]) for m in moments]),
                    "mask": _packed([m.mask[name] for m in moments]),
                }
                for name in self.layers
            ],
        }


def unfolding(scene: Scenes, moment: Snapshot, layers: Sequence[str]) -> Figure:
    """One scene, and the error energy and the mask of some layers at one time."""
    figure, axes = panels(len(layers) + 1, 2, height=3.9)
    label = CLASSES[int(scene.labels[0])]
    show_map(axes[0, 0], scene.images[0, 0], label, cmap="gray", vmin=0, vmax=1)
    outline = scene.mask[0].float()
    style = {"levels": [0.5], "colors": COLOURS["object"], "linewidths": 1.1}
    axes[0, 0].contour(outline, **style)
    axes[1, 0].set_axis_off()
    size = len(outline)
    for name, (upper, lower) in zip(layers, axes[:, 1:].T, strict=True):
        energy = moment.energy[name]
        side = len(energy)
        show_map(upper, energy, f"energy, {side}×{side}", vmin=0)
        show_map(lower, moment.mask[name], "mask", cmap="gray", vmin=0, vmax=1)
        places = (np.arange(size) + 0.5) * side / size - 0.5
        for ax in (upper, lower):
            ax.contour(places, places, outline, **style)
    return done(figure)


def _scaled(energy: Tensor) -> Tensor:
    """Divide by the largest energy, so that every map uses all its colours."""
    return energy / energy.max().clamp(min=1e-30)


def _packed(maps: Sequence[Tensor]) -> str:
    """Maps in [0, 1] as bytes, one after the other, in base64."""
    pixels = np.stack([np.asarray(each.detach().cpu()) for each in maps])
    return base64.b64encode(np.rint(255 * pixels).astype(np.uint8).tobytes()).decode()
