"""Panels under the reader's hand: HTML that needs neither kernel nor network.

What a panel shows is computed in the browser, or was computed beforehand and lies in
the page.  A still picture takes its place where scripts are off.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from gradmask.lab.figures.pages import asset, filled, png
from gradmask.lab.figures.style import COLOURS, done, outline, show_map, subplots

__all__ = ["MaskPanel", "Snapshot", "TrainingPanel", "unfolding"]


class Snapshot(Protocol):
    """What one image does to a network at one time of its training.

    Attributes
    ----------
    probability : float
        What the network gives the true class.
    energy, mask : mapping of str to array, shape (H, W)
        Error energy, and where a mask would keep it, by the name of the activation.
    """

    @property
    def probability(self) -> float: ...  # noqa: D102
    @property
    def energy(self) -> Mapping[str, ArrayLike]: ...  # noqa: D102
    @property
    def mask(self) -> Mapping[str, ArrayLike]: ...  # noqa: D102


class MaskPanel:
    """Panel of sliders over energy, response, mask and gain, shown by a notebook.

    The model is computed in the browser, by the script assets/mask-model.js.

    Parameters
    ----------
    still : Figure
        The panel's first setting: a disc of radius 4 in noise.
    """

    ALT = (
        "A disc of radius 4 in noise: its place, the error energy, the lateral "
        "response of a kernel of sigma 2.8, the mask, and the energy that the mask "
        "keeps."
    )

    def __init__(self, still: Figure) -> None:
        self.still = still

    def _repr_html_(self) -> str:
        script = asset("mask-model.js")
        parts = {"model": script, "still": png(self.still), "alt": self.ALT}
        return filled("mask-panel.html", parts)


class TrainingPanel:
    """Energy and mask of some layers over the epochs, shown by a notebook.

    Parameters
    ----------
    image : array, shape (S, S)
        A scene, in [0, 1].
    mask : array of bool, shape (S, S)
        True on its object.
    label : str
        Name of its class.
    snapshots : sequence of Snapshot
        Of that scene, the first before training, then after every epoch.
    layers : sequence of str
        Which activations to show, in this order.
    """

    def __init__(
        self,
        image: ArrayLike,
        mask: ArrayLike,
        label: str,
        snapshots: Sequence[Snapshot],
        layers: Sequence[str],
    ) -> None:
        self.image, self.mask, self.label = image, mask, label
        self.snapshots, self.layers = snapshots, layers

    def _repr_html_(self) -> str:
        last = self.snapshots[-1]
        still = unfolding(self.image, self.mask, self.label, last, self.layers)
        alt = (
            f"A scene with its {self.label.lower()} outlined; the error energy and the "
            f"mask at the activations {', '.join(self.layers)} after the last epoch."
        )
        parts = {
            "data": json.dumps(self._data()),
            "last": str(len(self.snapshots) - 1),
            "layers": str(len(self.layers)),
            "still": png(still),
            "alt": alt,
        }
        return filled("training-panel.html", parts)

    def _data(self) -> dict[str, Any]:
        times = self.snapshots
        return {
            "label": self.label,
            "probability": [round(each.probability, 3) for each in times],
            "side": np.shape(self.image)[-1],
            "scene": _packed([self.image]),
            "object": _packed([self.mask]),
            "layers": [
                {
                    "name": name,
                    "side": np.shape(times[0].energy[name])[-1],
                    "energy": _packed(_scaled(each.energy[name]) for each in times),
                    "mask": _packed(each.mask[name] for each in times),
                }
                for name in self.layers
            ],
        }


def unfolding(
    image: ArrayLike,
    mask: ArrayLike,
    label: str,
    snapshot: Snapshot,
    layers: Sequence[str],
) -> Figure:
    """One scene, and the error energy and the mask of some layers at one time.

    Parameters
    ----------
    image, mask, label, layers
        As of :class:`TrainingPanel`.
    snapshot : Snapshot
        The time.
    """
    figure, axes = subplots(len(layers) + 1, 2, height=3.9)
    show_map(axes[0, 0], image, label, cmap="gray", vmin=0, vmax=1)
    outline(axes[0, 0], mask, colour=COLOURS["object"], width=1.1)
    axes[1, 0].set_axis_off()
    for name, (upper, lower) in zip(layers, axes[:, 1:].T, strict=True):
        energy, kept = (np.asarray(m[name]) for m in (snapshot.energy, snapshot.mask))
        side = len(energy)
        show_map(upper, energy, f"energy, {side}×{side}", vmin=0)
        show_map(lower, kept, "mask", cmap="gray", vmin=0, vmax=1)
        for ax in (upper, lower):
            outline(ax, mask, side, colour=COLOURS["object"], width=1.1)
    return done(figure)


def _scaled(energy: ArrayLike) -> NDArray[np.floating]:
    """Divide by the largest energy, so that every map uses all its colours."""
    values = np.asarray(energy, dtype=float)
    return values / max(float(values.max()), 1e-30)


def _packed(maps: Iterable[ArrayLike]) -> str:
    """Maps in [0, 1] as bytes, one after the other, in base64."""
    pixels = np.stack([np.asarray(each, dtype=float) for each in maps])
    return base64.b64encode(np.rint(255 * pixels).astype(np.uint8).tobytes()).decode()
