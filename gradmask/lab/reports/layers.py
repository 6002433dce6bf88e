"""What masks do to the layers of a network: contrast, rates and gains by layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradmask.lab.records import Row
from gradmask.lab.reports.gain import pooled
from gradmask.lab.reports.stats import Course, course

__all__ = [
    "LayerGain",
    "LayerRates",
    "Settings",
    "contrast_courses",
    "layer_gains",
    "layer_rates",
    "mean_contrast",
    "settings",
]


def mean_contrast(rows: Sequence[Row]) -> float:
    """Geometric mean of the contrast, the object's energy over the background's."""
    return float(np.exp(np.mean([np.log(row["contrast"]) for row in rows])))


def contrast_courses(
    rows: Sequence[Row],
) -> dict[str, dict[str, dict[int, Course]]]:
    """Contrast over epochs: geometric means over layers, then over seeds.

    Parameters
    ----------
    rows : sequence of dict
        Rows of the record "premise".

    Returns
    -------
    dict
        By the energy, the network's head and the side of the layers' maps.
    """
    kinds, heads, sides = (
        dict.fromkeys(row[key] for row in rows) for key in ("energy", "head", "side")
    )
    return {
        kind: {
            head: {
                side: course(
                    [
                        row
                        for row in rows
                        if (row["energy"], row["head"], row["side"])
                        == (kind, head, side)
                    ],
                    "epoch",
                    mean_contrast,
                    geometric=True,
                )
                for side in sides
            }
            for head in heads
        }
        for kind in kinds
    }


class LayerGain(NamedTuple):
    """Contrast and pooled gain of a layer at an epoch, and the side of its maps."""

    epoch: int
    side: int
    contrast: float
    gain: float


def layer_gains(rows: Sequence[Row], mask: str) -> list[LayerGain]:
    """Gains of one mask by layer and epoch, all seeds together.

    Parameters
    ----------
    rows : sequence of dict
        Rows of the record "layer_gain".
    mask : str
        The mask's name.
    """
    return [
        LayerGain(
            epoch,
            side,
            float(np.mean([row["contrast"] for row in same])),
            pooled(same).gain,
        )
        for (_, epoch, side), same in _by_layer(rows, mask).items()
    ]


class LayerRates(NamedTuple):
    """What a mask keeps of a layer at an epoch, and the side of its maps."""

    epoch: int
    side: int
    false_alarm: float
    hit: float


def layer_rates(rows: Sequence[Row], mask: str) -> list[LayerRates]:
    """Rates of one mask by layer and epoch, means over seeds.

    Parameters
    ----------
    rows, mask
        As of :func:`layer_gains`.
    """
    return [
        LayerRates(
            epoch,
            side,
            *(float(np.mean([r[key] for r in same])) for key in ("false alarm", "hit")),
        )
        for (_, epoch, side), same in _by_layer(rows, mask).items()
    ]


class Settings(NamedTuple):
    """Pooled gain of every setting.

    Attributes
    ----------
    sigmas : list of float
        Scales of the kernel over the map's width: the lines of every table.
    sides : list of int
        Sides of the layers' maps: the columns.
    gains : dict of (str, float) to array
        Tables by energy and threshold.
    """

    sigmas: list[float]
    sides: list[int]
    gains: dict[tuple[str, float], NDArray[np.float64]]


def settings(rows: Sequence[Row]) -> Settings:
    """Pool the gains of lateral masks by their settings and the side of the map.

    Parameters
    ----------
    rows : sequence of dict
        Rows of the record "layer_gain"; those of other masks, and of the fixed 5x5
        kernel, are left out.
    """
    lateral = [r for r in rows if r["select"] == "lateral" and r["mask"] != "5x5"]
    thresholds, sigmas, sides = (
        sorted({row[key] for row in lateral}) for key in ("threshold", "sigma", "side")
    )
    sides = sides[::-1]

    def gain(*wanted: object) -> float:
        keys = ("energy", "threshold", "sigma", "side")
        own = [r for r in lateral if tuple(r[key] for key in keys) == wanted]
        return pooled(own).gain

    return Settings(
        sigmas,
        sides,
        {
            (energy, threshold): np.array(
                [[gain(energy, threshold, s, side) for side in sides] for s in sigmas]
            )
            for energy in ("error", "contribution")
            for threshold in thresholds
        },
    )


def _by_layer(rows: Sequence[Row], mask: str) -> dict[tuple[str, int, int], list[Row]]:
    layers: defaultdict[tuple[str, int, int], list[Row]] = defaultdict(list)
    for row in rows:
        if row["mask"] == mask:
            layers[row["layer"], row["epoch"], row["side"]].append(row)
    return layers
