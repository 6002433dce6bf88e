"""Why a mask that looks at the noise keeps what it keeps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gradmask.lab.figures.style import COLOURS, INK, done, subplots

__all__ = ["more_channels"]

_PALETTE = [COLOURS[name] for name in ("plain", "mask", "object")]


def more_channels(
    energy: ArrayLike,
    densities: Mapping[str, ArrayLike],
    chance: ArrayLike,
    shares: Mapping[str, float],
) -> Figure:
    """Densities of the energy, the chance of being kept, and what comes of both.

    Parameters
    ----------
    energy : array, shape (N,)
        Energies of one position.
    densities : mapping of str to array, shape (N,)
        By name, how often they occur.
    chance : array, shape (N,)
        How often a position of that energy is kept.
    shares : mapping of str to float
        By name and in the same order, how often it is kept in all.
    """
    figure, (left, right) = subplots(2, height=2.8, width_ratios=[1.9, 1])
    peak = max(float(np.max(np.asarray(density))) for density in densities.values())
    for (name, density), colour in zip(densities.items(), _PALETTE, strict=False):
        height = np.asarray(density) / peak
        left.plot(energy, height, color=colour, label=name)
        left.fill_between(energy, height * np.asarray(chance), color=colour, alpha=0.18)
    left.plot(energy, chance, "--", color=INK, lw=1.2, label="chance of being kept")
    left.set(title="Energy of one position", xlabel="energy e")
    left.set_yticks([0, 0.5, 1])
    left.set_ylim(0, 1.5)
    left.legend(loc="upper left", ncols=2, fontsize=8)
    bars = right.bar(
        range(len(shares)), list(shares.values()), color=_PALETTE, width=0.6
    )
    right.bar_label(bars, fmt="%.2f", padding=2)
    right.set_xticks(range(len(shares)), list(shares))
    right.set(title="Share kept", ylim=(0, 1.1))
    return done(figure)
