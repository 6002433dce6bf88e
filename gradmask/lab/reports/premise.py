"""Where errors lie on several kinds of images, and what masks do to gradients there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from IPython.display import HTML

from gradmask.lab.records import Row
from gradmask.lab.reports.gain import pooled
from gradmask.lab.reports.markup import table
from gradmask.lab.reports.stats import Course, Interval, Value, course, jackknife
from gradmask.lab.reports.tables import ratio

__all__ = ["concentration", "gains", "gains_table", "lengths"]

PLACES = ("first layer", "second layer", "third layer")


def concentration(
    kinds: Mapping[str, Sequence[Row]],
) -> dict[str, dict[str, Course]]:
    """Share of the energy that the largest tenth of the positions hold, over epochs.

    Parameters
    ----------
    kinds : mapping of str to sequence of dict
        By the kind of images rows of a
        :class:`~gradmask.lab.experiments.natural.Premise`, of three layers each.

    Returns
    -------
    dict
        By the layer's place, the first having the largest maps, and the images.
    """
    panels: dict[str, dict[str, Course]] = {}
    for images, rows in kinds.items():
        for place, own in _layers(rows).items():
            seen = course(own, "epoch", _mean("loudest tenth"))
            panels.setdefault(place, {})[images] = seen
    return panels


def gains(rows: Sequence[Row], mask: str) -> dict[str, Interval]:
    """Gain of SNR by a mask in each layer, once training has begun.

    Signals and noises of all epochs are added up
    (:func:`~gradmask.lab.reports.gain.pooled`).

    Parameters
    ----------
    rows : sequence of dict
        As of :func:`concentration`.
    mask : str
        Its name there.
    """
    return {
        place: jackknife(own, lambda rows: pooled(rows).gain)
        for place, own in _begun(rows, mask).items()
    }


def gains_table(kinds: Mapping[str, Sequence[Row]], masks: Mapping[str, str]) -> HTML:
    """A row for a layer and kind of images: the share Q that is signal, and gains.

    Parameters
    ----------
    kinds : mapping of str to sequence of dict
        As of :func:`concentration`.
    masks : mapping of str to str
        Names of masks there, and the title of each.
    """
    body = []
    for images, rows in kinds.items():
        found = [gains(rows, mask) for mask in masks]
        for place, own in _begun(rows, next(iter(masks))).items():
            side, q = own[0]["side"], 100 * _mean("q")(own)
            cells = (ratio(gain[place]) for gain in found)
            body.append([f"{images}, {place} ({side}x{side})", f"{q:.1f}", *cells])
    return table(["images, layer", "Q, %", *masks.values()], body)


def lengths(rows: Sequence[Row], mask: str, batch: int) -> dict[str, float]:
    """How many times as long a mask makes a batch's gradient, by the layer's place.

    Parameters
    ----------
    rows, mask
        As of :func:`gains`.
    batch : int
        How many images.
    """
    return {
        place: pooled(own).length(batch) for place, own in _begun(rows, mask).items()
    }


def _begun(rows: Sequence[Row], mask: str) -> dict[str, list[Row]]:
    """Rows of one mask by the layer's place, once training has begun."""
    return _layers([row for row in rows if row["mask"] == mask and row["epoch"] > 0])


def _layers(rows: Sequence[Row]) -> dict[str, list[Row]]:
    layers = dict.fromkeys(row["layer"] for row in rows)
    return {
        place: [row for row in rows if row["layer"] == layer]
        for place, layer in zip(PLACES, layers, strict=True)
    }


def _mean(column: str) -> Value:
    return lambda rows: fmean(row[column] for row in rows)
