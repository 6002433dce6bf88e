"""Pictures of the premise, and of theory beside a network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from torch import Tensor

from gradmask import laplacian_of_gaussian
from gradmask.lab.data.scenes import Scenes
from gradmask.lab.figures.gain import gain_plane
from gradmask.lab.figures.style import COLOURS, INK, done, panels, show_map
from gradmask.lab.measures.layers.prediction import (
    PREDICTORS,
    explained,
    measurable,
    pooled,
)
from gradmask.lab.measures.layers.signals import Signals
from gradmask.lab.records import Row
from gradmask.lab.reports.stats import mean_interval
from gradmask.theory import predict_gain, snr_gain

__all__ = [
    "contrast_curves",
    "energy_maps",
    "layers_on_plane",
    "predicted_and_measured",
    "settings",
    "window",
    "window_curves",
]

SIDES = {32: COLOURS["mask"], 16: COLOURS["top-k"], 8: COLOURS["object"]}
"""Colours of layers, by the side of their maps."""


def energy_maps(
    scenes: Scenes, stages: Mapping[str, Signals], samples: Sequence[int]
) -> Figure:
    """Both energies of a layer at stages of training, with the object's outline."""
    columns = 1 + 2 * len(stages)
    figure, axes = panels(columns, len(samples), height=1.32 * len(samples))
    for index, (row, sample) in enumerate(zip(axes, samples, strict=True)):
        first = index == 0
        show_map(
            row[0], scenes.images[sample, 0], "scene" if first else "", cmap="gray"
        )
        _outline(row[0], scenes.mask[sample], scenes.mask.shape[-1])
        pairs = [(k, s) for k in ("error", "contribution") for s in stages.items()]
        for ax, (kind, (stage, signals)) in zip(row[1:], pairs, strict=True):
            energy = signals.energy(kind)[sample, 0]
            show_map(ax, energy, f"{kind},\n{stage}" if first else "")
            _outline(ax, scenes.mask[sample], energy.shape[-1])
    return done(figure)


def contrast_curves(rows: Sequence[Row]) -> Figure:
    """Contrast over epochs, a panel for each head and energy, with intervals."""
    heads = list(dict.fromkeys(row["head"] for row in rows))
    figure, axes = panels(len(heads), 2, height=4.3, sharex=True, sharey=True)
    for line, kind in zip(axes, ("error", "contribution"), strict=True):
        for ax, head in zip(line, heads, strict=True):
            chosen = [r for r in rows if (r["head"], r["energy"]) == (head, kind)]
            for side, colour in SIDES.items():
                _band(ax, [r for r in chosen if r["side"] == side], "contrast", colour)
            ax.axhline(1, color=INK, lw=0.9)
            ax.set_yscale("log", base=2)
            ax.yaxis.set_major_formatter("{x:g}")
        line[0].set_ylabel(f"contrast of {kind}")
    for ax, head in zip(axes[0], heads, strict=True):
        ax.set_title(head)
    for ax in axes[1]:
        ax.set(xlabel="epoch", xticks=sorted({row["epoch"] for row in rows}))
    _legend_of_sides(figure)
    return done(figure)


def window_curves(
    area: float = 0.17, side: int = 16, channels: int = 24, sigma: float = 0.25
) -> dict[str, np.ndarray]:
    """Contrast, the bound 1/w, and the gain of a lateral mask, on a disc.

    The signal does not lie under the noise but varies with it: what is louder on the
    object is noise, too, so that the object's occupancy is its share of energy w.
    """
    axis = torch.arange(side) - (side - 1) / 2
    disc = axis[:, None] ** 2 + axis**2 <= area * side**2 / np.pi
    kernel = laplacian_of_gaussian(sigma * side, size=side - 1)
    contrasts = np.geomspace(1, 40, 60)
    occupancy = disc.double().mean().item()
    shares = contrasts * occupancy / (contrasts * occupancy + 1 - occupancy)
    gains = []
    for contrast, share in zip(contrasts, shares, strict=True):
        p, q = predict_gain(kernel, disc, contrast - 1, channels)[:2]
        gains.append(snr_gain(min(p, 1.0), q, share))
    return {"contrast": contrasts, "bound": 1 / shares, "gain": np.array(gains)}


def window(rows: Iterable[Row], name: str) -> Figure:
    """The window in which a mask can pay, in theory, and measured layers of a network.

    Parameters
    ----------
    rows : iterable of dict
        Of the experiment on the gain of layers.
    name : str
        The mask whose measured gains are drawn.
    """
    curves = window_curves()
    x = curves["contrast"]
    figure, ax = panels(1, height=3.3)
    ax.plot(x, curves["bound"], color=COLOURS["plain"], label="bound 1/w")
    ax.plot(x, curves["gain"], color=INK, label="lateral mask, theory")
    pays = curves["gain"] > 1
    ax.fill_between(x, 1, curves["gain"], where=pays, color=COLOURS["mask"], alpha=0.15)
    places = defaultdict(list)
    for row in rows:
        if row["mask"] == name:
            places[row["layer"], row["epoch"], row["side"]].append(row)
    for (_, epoch, side), same in places.items():
        x_of_layer = float(np.mean([row["contrast"] for row in same]))
        fill = "white" if epoch == 0 else SIDES[side]
        ax.plot(x_of_layer, pooled(same).gain, "o", ms=5, mec=SIDES[side], mfc=fill)
    ax.axhline(1, color=INK, lw=0.9)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")
    ax.set(xlabel="contrast of contribution energy, object over background")
    ax.set(ylabel="gain of SNR", ylim=(0.35, 7), xlim=(0.9, 40))
    ax.legend(loc="upper right")
    _legend_of_sides(figure)
    return done(figure)


def layers_on_plane(rows: Sequence[Row], names: Mapping[str, str]) -> Figure:
    """Every layer's rates on the gain plane, a plane for each measured epoch.

    Parameters
    ----------
    rows : sequence of dict
        Of the experiment on the gain of layers.
    names : mapping of str to str
        Masks to be drawn, and the marker of each.
    """
    epochs = sorted({row["epoch"] for row in rows})
    figure, axes = panels(len(epochs), height=3.1, sharey=True)
    for ax, epoch in zip(axes, epochs, strict=True):
        now = [row for row in rows if row["epoch"] == epoch]
        occupancy = float(np.median([row["occupancy"] for row in now]))
        gain_plane(ax, occupancy, detectors=(1.0,))
        for name, marker in names.items():
            for layer in dict.fromkeys(row["layer"] for row in now):
                same = [r for r in now if (r["layer"], r["mask"]) == (layer, name)]
                q, p = (np.mean([r[k] for r in same]) for k in ("false alarm", "hit"))
                colour = SIDES[same[0]["side"]]
                ax.plot(q, p, marker, ms=6, color=colour, mec="white", mew=0.7)
        ax.set_title("before training" if epoch == 0 else f"after epoch {epoch}")
        if ax is not axes[0]:
            ax.set_ylabel("")
    _legend_of_sides(figure)
    return done(figure)


def predicted_and_measured(rows: Sequence[Row]) -> Figure:
    """Four predictions of the gain over its measurement, controls in their colours."""
    figure, axes = panels(2, 2, height=5.6, sharex=True, sharey=True)
    lateral = [row for row in rows if row["select"] == "lateral"]
    groups = {
        "lateral masks": ("lateral", COLOURS["mask"], 0.12),
        "random": ("random", COLOURS["random"], 0.5),
        "the object itself": ("oracle", COLOURS["object"], 0.5),
    }
    limits = (0.2, 8)
    for ax, predictor in zip(axes.flat, PREDICTORS, strict=True):
        ax.plot(limits, limits, color=INK, lw=0.9)
        for label, (select, colour, alpha) in groups.items():
            points = [
                (row[predictor], row["gain"])
                for row in rows
                if row["select"] == select and measurable(row)
            ]
            ax.plot(
                *zip(*points, strict=True),
                "o",
                ms=3,
                color=colour,
                alpha=alpha,
                mew=0,
                rasterized=True,
            )
            ax.plot([], [], "o", color=colour, label=label)
        fit = explained(lateral, predictor)
        title = f"{predictor}: R² {fit['r2']:.2f}, rank {fit['rank']:.2f}"
        ax.set(title=title, xscale="log", yscale="log", xlim=limits, ylim=limits)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(FixedLocator([0.25, 0.5, 1, 2, 4, 8]))
            axis.set_major_formatter("{x:g}")
            axis.minorticks_off()
    for ax in axes[1]:
        ax.set_xlabel("predicted gain")
    for ax in axes[:, 0]:
        ax.set_ylabel("measured gain")
    axes[0, 0].legend(loc="upper left")
    return done(figure)


def settings(rows: Sequence[Row]) -> Figure:
    """Pooled gain of every setting, by the map's side: a table in colours."""
    lateral = [r for r in rows if r["select"] == "lateral" and r["mask"] != "5x5"]
    thresholds = sorted({row["threshold"] for row in lateral})
    columns = [(e, t) for e in ("error", "contribution") for t in thresholds]
    scales = sorted({row["sigma"] for row in lateral})
    figure, axes = panels(len(columns), height=2.6, sharey=True)
    for ax, (energy, threshold) in zip(axes, columns, strict=True):
        table = np.array(
            [
                [
                    pooled(
                        [
                            row
                            for row in lateral
                            if (row["energy"], row["threshold"]) == (energy, threshold)
                            and (row["sigma"], row["side"]) == (sigma, side)
                        ]
                    ).gain
                    for side in SIDES
                ]
                for sigma in scales
            ]
        )
        ax.imshow(np.log2(table), cmap="RdBu", vmin=-1.5, vmax=1.5, aspect="auto")
        for (i, j), gain in np.ndenumerate(table):
            ink = "white" if abs(np.log2(gain)) > 1 else INK
            ax.text(j, i, f"{gain:.2f}", ha="center", va="center", color=ink)
        ax.set_xticks(range(len(SIDES)), [f"{side}" for side in SIDES])
        ax.set_yticks(range(len(scales)), [f"{sigma:g}" for sigma in scales])
        ax.set(title=f"{energy},\nthreshold {threshold:g}", xlabel="map's side")
        ax.grid(False)
    axes[0].set_ylabel("sigma / width")
    return done(figure)


def _band(ax: Axes, rows: Sequence[Row], quantity: str, colour: str) -> None:
    """Geometric mean over layers, then over seeds, with Student's interval."""
    epochs = sorted({row["epoch"] for row in rows})
    seeds = sorted({row["seed"] for row in rows})
    logs = [
        [
            float(
                np.mean(
                    [
                        np.log(row[quantity])
                        for row in rows
                        if (row["seed"], row["epoch"]) == (seed, epoch)
                    ]
                )
            )
            for seed in seeds
        ]
        for epoch in epochs
    ]
    ax.plot(epochs, np.exp(np.mean(logs, 1)), "o-", ms=3, color=colour)
    if len(seeds) > 1:
        bounds = np.exp([mean_interval(values)[1:] for values in logs])
        ax.fill_between(epochs, *bounds.T, color=colour, alpha=0.2, lw=0)


def _outline(ax: Axes, mask: Tensor, side: int) -> None:
    scale = side / mask.shape[-1]
    centres = (np.arange(mask.shape[-1]) + 0.5) * scale - 0.5
    ax.contour(centres, centres, mask.float(), [0.5], colors="#39d353", linewidths=1)


def _legend_of_sides(figure: Figure) -> None:
    handles = [
        figure.axes[0].plot([], [], "o", color=colour, label=f"maps of {side}x{side}")[
            0
        ]
        for side, colour in SIDES.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
