"""Maps of networks: errors, masks, filters and receptive fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gradmask.lab.figures.style import done, outline, show_map, signed_bar, subplots

__all__ = [
    "anatomy",
    "energy_maps",
    "every_layer",
    "filters",
    "masked",
    "model",
    "receptive_fields",
    "signed_maps",
    "weighings",
]

_BINARY: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1}


def model(
    support: ArrayLike, energy: ArrayLike, response: ArrayLike, mask: ArrayLike
) -> Figure:
    """One sample of the model: the signal's place, energy, response, mask, the rest.

    Parameters
    ----------
    support : array of bool, shape (H, W)
        True on the object.
    energy, response, mask : array, shape (H, W)
        Error energy, lateral response and mask.
    """
    figure, axes = subplots(5, height=1.85)
    show_map(axes[0], support, "signal", **_BINARY)
    titles = ("energy e", "response r", "mask m", "kept, m e")
    _show_all(axes[1:], titles, _steps(energy, response, mask), support, 1.0)
    return done(figure)


def anatomy(
    images: ArrayLike,
    outlines: ArrayLike,
    energy: ArrayLike,
    response: ArrayLike,
    mask: ArrayLike,
) -> Figure:
    """From an error signal to the masked error, a row for every scene.

    Parameters
    ----------
    images : array, shape (N, S, S)
        The scenes.
    outlines : array of bool, shape (N, S, S)
        True on the objects.
    energy, response, mask : array, shape (N, S, S)
        Error energy, lateral response and mask at a layer whose map has their size.
    """
    scenes = np.asarray(images)
    figure, axes = subplots(5, len(scenes), height=1.62 * len(scenes), squeeze=False)
    parts = (scenes, *map(np.asarray, (outlines, energy, response, mask)))
    for row, (image, on, e, r, m) in enumerate(zip(*parts, strict=True)):
        titles = ("scene", "error energy", "lateral response", "mask", "masked error")
        titles = titles if row == 0 else ("",) * 5
        fields = (image, _BINARY), *_steps(e, r, m)
        _show_all(axes[row], titles, fields, on, 0.9)
    signed_bar(figure, axes[0, 2], axes[:, 2], location="bottom", aspect=12, pad=0.02)
    return done(figure)


def masked(
    image: ArrayLike,
    on: ArrayLike,
    energy: ArrayLike,
    response: ArrayLike,
    mask: ArrayLike,
) -> Figure:
    """From the error signal of one scene to its masked error, for a narrow page.

    Parameters
    ----------
    image : array, shape (S, S)
        The scene.
    on : array of bool, shape (S, S)
        True on the object.
    energy, response, mask : array, shape (S, S)
        As of :func:`anatomy`.
    """
    figure, axes = subplots(3, 2, 3.4)
    axes[1, 0].set_axis_off()
    shown = [axes[0, 0], *axes[:, 1:].flat]
    titles = ("scene", "error energy", "response", "mask", "masked error")
    fields = (image, _BINARY), *_steps(energy, response, mask)
    _show_all(shown, titles, fields, on, 0.9)
    return done(figure)


def every_layer(layers: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """Error energy of one sample at every layer, and below it what is kept.

    Parameters
    ----------
    layers : mapping of str to two arrays, shape (H, W)
        By the layer's name, all of the energy and what is kept of it.
    """
    figure, axes = subplots(len(layers), rows=2, height=2.5, squeeze=False)
    for column, (name, (energy, kept)) in zip(axes.T, layers.items(), strict=True):
        side = "x".join(map(str, np.shape(energy)))
        largest = np.max(np.asarray(energy))
        show_map(column[0], energy, f"{name}\n{side}", vmin=0, vmax=largest)
        show_map(column[1], kept, "", vmin=0, vmax=largest)
    axes[0, 0].set_ylabel("error energy")
    axes[1, 0].set_ylabel("kept")
    return done(figure)


def weighings(energy: ArrayLike, weights: Mapping[str, ArrayLike]) -> Figure:
    """An energy map and what masks make of it, on one scale from nothing to twice.

    Parameters
    ----------
    energy : array, shape (H, W)
        The map.
    weights : mapping of str to array, shape (H, W)
        By title, what positions are weighed by.
    """
    figure, axes = subplots(1 + len(weights), height=2.1)
    show_map(axes[0], energy, "energy")
    for ax, (title, weight) in zip(axes[1:], weights.items(), strict=True):
        show_map(ax, weight, title, cmap="gray", vmin=0, vmax=2)
    return done(figure)


def energy_maps(
    images: ArrayLike, outlines: ArrayLike, energies: Mapping[str, ArrayLike]
) -> Figure:
    """Energies of scenes with the object's outline, a row for every scene.

    Parameters
    ----------
    images : array, shape (N, S, S)
        The scenes.
    outlines : array of bool, shape (N, S, S)
        True on the objects.
    energies : mapping of str to array, shape (N, H, W)
        By the title of the column.
    """
    scenes, masks = np.asarray(images), np.asarray(outlines)
    columns, height = 1 + len(energies), 1.32 * len(scenes)
    figure, axes = subplots(columns, len(scenes), height, squeeze=False)
    for index, (row, image, on) in enumerate(zip(axes, scenes, masks, strict=True)):
        show_map(row[0], image, "" if index else "scene", cmap="gray")
        outline(row[0], on, colour="#39d353")
        for ax, (title, maps) in zip(row[1:], energies.items(), strict=True):
            energy = np.asarray(maps)[index]
            show_map(ax, energy, "" if index else title)
            outline(ax, on, energy.shape[-1], colour="#39d353")
    return done(figure)


def filters(networks: Mapping[str, ArrayLike]) -> Figure:
    """First filters of networks, a row for each, all on one scale about zero.

    Parameters
    ----------
    networks : mapping of str to array, shape (C, k, k)
        Filters, as many for each, by the network's name.
    """
    rows = {name: np.asarray(weights) for name, weights in networks.items()}
    count = len(next(iter(rows.values())))
    figure, axes = subplots(count, len(rows), 0.66 * len(rows), squeeze=False)
    limit = max(np.abs(weights).max() for weights in rows.values())
    for row, (name, weights) in zip(axes, rows.items(), strict=True):
        for ax, weight in zip(row, weights, strict=True):
            show_map(ax, weight, "", signed=True, vmin=-limit, vmax=limit)
        row[0].set_ylabel(name)
    return done(figure)


def receptive_fields(
    networks: Mapping[str, Mapping[str, tuple[ArrayLike, float]]],
) -> Figure:
    """Receptive fields, a row for each network, a column for each layer.

    The colours show the square root, each map on its own scale.

    Parameters
    ----------
    networks : mapping of str to mapping of str to (array, float)
        By the network's name and the layer's, the field (H, W) and its radius in
        pixels: a circle is as wide.
    """
    columns = len(next(iter(networks.values())))
    height = 2.0 * len(networks)
    figure, axes = subplots(columns, len(networks), height, squeeze=False)
    for row, (name, layers) in zip(axes, networks.items(), strict=True):
        for ax, (layer, (field, wide)) in zip(row, layers.items(), strict=True):
            values = np.asarray(field)
            show_map(ax, np.sqrt(values), f"{layer}: {wide:.1f} pixels")
            y, x = (np.arange(n) - n // 2 for n in values.shape)
            distance = np.hypot(x, y[:, None])
            ax.contour(distance, levels=[wide], colors="white", linewidths=1.1)
        row[0].set_ylabel(name)
    return done(figure)


def _show_all(
    axes: Sequence[Axes],
    titles: Sequence[str],
    fields: Sequence[tuple[ArrayLike, dict[str, Any]]],
    on: ArrayLike,
    width: float,
) -> None:
    """Draw maps in a row, each with the object's outline."""
    for ax, title, (field, options) in zip(axes, titles, fields, strict=True):
        show_map(ax, field, title, **options)
        outline(ax, on, width=width)


def _steps(
    energy: ArrayLike, response: ArrayLike, mask: ArrayLike
) -> Sequence[tuple[ArrayLike, dict[str, Any]]]:
    """Energy, response, mask, and the energy that is kept, and how each is drawn."""
    e, m = np.asarray(energy), np.asarray(mask)
    same: dict[str, Any] = {"vmin": 0, "vmax": float(e.max())}
    return (e, same), (response, {"signed": True}), (m, _BINARY), (m * e, same)


def signed_maps(maps: Mapping[str, ArrayLike], support: ArrayLike) -> Figure:
    """Maps on one scale about zero, with the object's outline.

    Parameters
    ----------
    maps : mapping of str to array, shape (H, W)
        By title.
    support : array of bool, shape (H, W)
        True on the object.
    """
    figure, axes = subplots(len(maps), height=2.1, squeeze=False)
    limit = max(float(np.abs(np.asarray(values)).max()) for values in maps.values())
    for ax, (title, values) in zip(axes[0], maps.items(), strict=True):
        show_map(ax, values, title, signed=True, vmin=-limit, vmax=limit)
        outline(ax, support)
    return done(figure)
