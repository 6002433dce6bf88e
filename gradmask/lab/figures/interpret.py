"""Pictures of what networks learn: filters, receptive fields, attention over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from gradmask.lab.figures.style import COLOURS, INK, done, panels, show_map
from gradmask.lab.measures.layers.receptive_field import radius

__all__ = ["attention_through", "fields", "filters"]

STYLES = {"plain": "-", "mask": "-", "random": "-."}


def filters(networks: Mapping[str, Tensor]) -> Figure:
    """First filters of networks, a row for each, all on one scale about zero.

    Parameters
    ----------
    networks : mapping of str to Tensor
        Filters (C, k, k), as many for each, by the network's name.
    """
    count = len(next(iter(networks.values())))
    height = 0.66 * len(networks)
    figure, axes = panels(count, len(networks), height, squeeze=False)
    limit = max(float(each.abs().max()) for each in networks.values())
    for row, (name, weights) in zip(axes, networks.items(), strict=True):
        for ax, weight in zip(row, weights, strict=True):
            show_map(ax, weight, "", signed=True, vmin=-limit, vmax=limit)
        row[0].set_ylabel(name)
    return done(figure)


def fields(networks: Mapping[str, Mapping[str, Tensor]]) -> Figure:
    """Receptive fields, a row for each network, a column for each layer.

    The colours show the square root, each map on its own scale; the circle is as wide
    as :func:`gradmask.lab.measures.layers.receptive_field.radius` says.

    Parameters
    ----------
    networks : mapping of str to mapping of str to Tensor
        Fields (H, W) by the network's name and the layer's.
    """
    columns = len(next(iter(networks.values())))
    height = 2.0 * len(networks)
    figure, axes = panels(columns, len(networks), height, squeeze=False)
    for row, (name, layers) in zip(axes, networks.items(), strict=True):
        for ax, (layer, field) in zip(row, layers.items(), strict=True):
            wide = radius(field)
            show_map(ax, field.sqrt(), f"{layer}: {wide:.1f} pixels")
            y, x = (np.arange(n) - n // 2 for n in field.shape)
            distance = np.hypot(x, y[:, None])
            ax.contour(distance, levels=[wide], colors="white", linewidths=1.1)
        row[0].set_ylabel(name)
    return done(figure)


def attention_through(runs: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """Attention to the object through training: every seed, and their mean.

    Parameters
    ----------
    runs : mapping of str to sequence of sequences of float
        By the network's name ("plain", "mask", "random") and the seed, a share for
        every epoch, the first being before training.
    """
    figure, ax = panels(1, height=2.9)
    for name, seeds in runs.items():
        shares = 100 * np.array(seeds)
        epochs = np.arange(shares.shape[1])
        style = {"color": COLOURS[name], "ls": STYLES[name]}
        for share in shares:
            ax.plot(epochs, share, lw=0.8, alpha=0.45, **style)
        ax.plot(epochs, shares.mean(0), label=name, **style)
    ax.set(xlabel="epoch", ylabel="input gradient on the object (%)")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_title("Attention through training", color=INK)
    ax.legend()
    return done(figure)
