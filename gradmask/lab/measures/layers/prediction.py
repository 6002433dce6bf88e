"""Predicted against measured: the gain of masks at every layer of a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from gradmask import GradientMask
from gradmask.lab.data.scenes import Scenes
from gradmask.lab.measures.layers.contrast import object_contrast, object_share
from gradmask.lab.measures.layers.gain import Rates, estimate_gain, mask_rates
from gradmask.lab.measures.layers.gradients import (
    input_patches,
    jackknife_stderr,
    moments,
    sample_gradients,
)
from gradmask.lab.measures.layers.regions import (
    Anatomy,
    noise_occupancy,
    regional_gain,
    regions,
)
from gradmask.lab.measures.layers.signals import (
    Signals,
    layer_signals,
    object_positions,
)
from gradmask.lab.networks.inspection import batch_normalised_copy
from gradmask.lab.records import Row
from gradmask.lab.reports.stats import Interval, mean_interval
from gradmask.theory import snr_gain

__all__ = [
    "PREDICTORS",
    "Pooled",
    "explained",
    "gain_rows",
    "jackknife",
    "measurable",
    "over_seeds",
    "pooled",
]

PREDICTORS = ("area", "activations", "selection", "regions")
"""Four predictions, of growing knowledge.

- ``"area"``: proposition 1, the object's occupancy taken by area;
- ``"activations"``: the same, by the activations' energy;
- ``"selection"``: rates and occupancy by contribution energy, as in proposition 5;
- ``"regions"``: these rates, and where signal and noise really lie, measured on other
  scenes: no assumption is left but that bits are independent.
"""


def gain_rows(
    model: nn.Module,
    scenes: Scenes,
    samples: int,
    masks: Mapping[str, GradientMask | None],
) -> list[Row]:
    """Gain of masks at every convolution, predicted and measured.

    The first `samples` scenes measure; as many others say where signal and noise lie,
    so that no prediction has seen what it predicts.

    Parameters
    ----------
    model : nn.Module
        Classifier; a frozen copy of it is measured.
    scenes : Scenes
        At least 2 * samples of them, independent of each other, as
        :func:`gradmask.lab.data.images.random_part` draws them.
    samples : int
        How many measure.
    masks : mapping of str to GradientMask or None
        By name; None keeps the object and nothing else, the oracle.

    Returns
    -------
    list of dict
        For every convolution and mask: "layer", "depth" (0 to 1), "side" of the map;
        "mask", its name; "hit", "false alarm"; "occupancy" (by the
        activations' energy), "share" (by contribution energy) and "contrast" (of
        contribution energy); "q" and "q_stderr" without a mask; "gain", "log_stderr",
        "signal", "noise", "along" as in :class:`GainEstimate`; and a column for each of
        `PREDICTORS`.
    """
    model = batch_normalised_copy(model, scenes.images[: 2 * samples])
    measuring, other = (
        layer_signals(model, scenes.images[half], scenes.labels[half])
        for half in (slice(samples), slice(samples, 2 * samples))
    )
    rows = []
    for index, (name, signals) in enumerate(measuring.items()):
        on, elsewhere = (
            object_positions(scenes.mask[half], signals.delta.shape)
            for half in (slice(samples), slice(samples, 2 * samples))
        )
        anatomy = regions(other[name], input_patches(other[name]), elsewhere)
        place = {
            "layer": name,
            "depth": index / max(1, len(measuring) - 1),
            "side": on.shape[-1],
        }
        rows += [place | row for row in _layer_rows(signals, on, anatomy, masks)]
    return rows


def _layer_rows(
    signals: Signals,
    on: Tensor,
    anatomy: Anatomy,
    masks: Mapping[str, GradientMask | None],
) -> list[Row]:
    patches = input_patches(signals)
    grads = sample_gradients(signals, patches)
    plain = moments(grads)
    energies = {kind: signals.energy(kind) for kind in ("error", "contribution")}
    contribution = energies["contribution"]
    layer = {
        "occupancy": noise_occupancy(signals, on),
        "share": object_share(contribution, on),
        "contrast": object_contrast(contribution, on),
        "q": (plain.signal() / plain.norms.mean()).item(),
        "q_stderr": _quality_stderr(plain.signal(True), plain.noise(True)),
    }
    rows = []
    for name, mask in masks.items():
        kept = on if mask is None else _kept(mask, signals.delta, energies)
        rates = mask_rates(kept, on, contribution)
        estimate = estimate_gain(grads, sample_gradients(signals, patches, kept))
        rows.append(
            {
                "mask": name,
                **layer,
                "hit": rates.hit,
                "false alarm": rates.false_alarm,
                **estimate._asdict(),
                **_predictions(rates, on, layer, anatomy),
            }
        )
    return rows


def _kept(mask: GradientMask, delta: Tensor, energies: Mapping[str, Tensor]) -> Tensor:
    generator = torch.Generator(delta.device).manual_seed(mask.seed)
    kept = mask.mask(delta, energy=energies[mask.energy], generator=generator)
    return torch.ones_like(energies["error"]) > 0 if kept is None else kept


def _quality_stderr(signal: Tensor, noise: Tensor) -> float:
    return jackknife_stderr(signal / (signal + noise))


def _predictions(
    rates: Rates, on: Tensor, layer: Mapping[str, float], anatomy: Anatomy
) -> dict[str, float]:
    p, q = rates.hit_energy, rates.false_alarm_energy
    bits = rates.hit, rates.false_alarm
    values = (
        snr_gain(*bits, on.double().mean().item()),
        snr_gain(*bits, layer["occupancy"]),
        snr_gain(p, q, layer["share"]),
        regional_gain(p, q, anatomy),
    )
    return dict(zip(PREDICTORS, map(float, values), strict=True))


def measurable(row: Row) -> bool:
    """Whether a layer has a signal to speak of: Q above two standard errors.

    They are the jackknife's, which is too wide where Q is small: a strict test.
    """
    return bool(row["q"] > 2 * row["q_stderr"] and (row["gain"] or 0) > 0)


class Pooled(NamedTuple):
    """Signal and noise of many layers, epochs or seeds together; see :func:`pooled`.

    Attributes
    ----------
    q : float
        Share of the plain gradients' energy that is signal.
    signal, noise, along : float
        What a mask leaves, as in :class:`GainEstimate`.
    """

    q: float
    signal: float
    noise: float
    along: float

    @property
    def gain(self) -> float:
        """Gain of SNR; nan where no signal is left."""
        positive = self.q > 0 and self.signal > 0
        return self.signal / self.noise if positive else math.nan

    def agreement_gain(self, batch: int) -> float:
        r"""How much better the mean of a batch agrees with the true direction.

        The ratio, with the mask over without, of the mean gradient's agreement with
        :math:`G = \mathrm{E} g`, a squared cosine: the gain of SNR less the price of
        the mask's bias,

        .. math:: \frac{\langle \mathrm{E} g', G \rangle^2 / \lVert G \rVert^2}
                  {\lVert \mathrm{E} g' \rVert^2 + N' / B}
                  \Big/ \frac{\lVert G \rVert^2}{\lVert G \rVert^2 + N / B} .
        """
        noise = (1 - self.q) / self.q / batch
        return self.along**2 * (1 + noise) / (self.signal + self.noise * noise)


def pooled(rows: Sequence[Row]) -> Pooled:
    """Add up signals and noises of rows of one mask, each plain energy taken as one.

    A ratio of sums: unlike a mean of gains it can use every row, also one whose own
    estimate of the signal is lost in noise or negative, and so selects nothing.
    """
    q, signal, noise, along = (
        np.array([row[key] for row in rows])
        for key in ("q", "signal", "noise", "along")
    )
    return Pooled(
        float(q.mean()),
        float((q * signal).sum() / q.sum()),
        float(((1 - q) * noise).sum() / (1 - q).sum()),
        float((q * along).sum() / q.sum()),
    )


def jackknife(rows: Sequence[Row], value: Callable[[Sequence[Row]], float]) -> Interval:
    """Positive value of all rows, with Student's interval of its logarithm over seeds.

    By leaving out one seed after the other; for ratios of sums over seeds.
    """
    seeds = sorted({row["seed"] for row in rows})
    whole = math.log(value(rows))
    parts = [
        len(seeds) * whole
        - (len(seeds) - 1) * math.log(value([r for r in rows if r["seed"] != seed]))
        for seed in seeds
    ]
    mean, low, high = mean_interval(parts)
    return Interval(*(math.exp(whole + x - mean) for x in (mean, low, high)))


def over_seeds(
    rows: Sequence[Row],
    value: Callable[[Sequence[Row]], float],
    *,
    geometric: bool = False,
) -> Interval:
    """Mean over seeds of what a seed's own rows give, with Student's interval.

    Parameters
    ----------
    rows : sequence of dict
        Each with its "seed".
    value : callable
        Takes the rows of one seed to a number.
    geometric : bool, default False
        Whether mean and interval are those of the logarithm, for ratios.
    """
    seeds = sorted({row["seed"] for row in rows})
    values = [value([row for row in rows if row["seed"] == seed]) for seed in seeds]
    if not geometric:
        return mean_interval(values)
    return Interval(*(math.exp(x) for x in mean_interval([*map(math.log, values)])))


def explained(rows: Sequence[Row], predictor: str) -> dict[str, float]:
    """Compare logarithms of predicted and measured gains, where both are positive.

    Returns
    -------
    dict
        "r2": share of the variation explained by the prediction as it stands, with no
        line fitted (negative if the mean would have been the better guess); "rank":
        Spearman's correlation; "ratio": median of predicted over measured.
    """
    pairs = [
        (row[predictor], row["gain"])
        for row in rows
        if (row[predictor] or 0) > 0 and measurable(row)
    ]
    predicted, measured = np.log(np.array(pairs)).T
    unexplained = np.square(measured - predicted).sum()
    variation = np.square(measured - measured.mean()).sum()
    return {
        "r2": float(1 - unexplained / variation),
        "rank": float(stats.spearmanr(predicted, measured).statistic),
        "ratio": float(np.exp(np.median(predicted - measured))),
    }
