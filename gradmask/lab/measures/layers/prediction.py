"""Predicted against measured: the gain of masks at every layer of a network."""

from __future__ import annotations

from collections.abc import Mapping

import torch
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
from gradmask.lab.reports.gain import PREDICTORS
from gradmask.theory import snr_gain

__all__ = ["gain_rows"]


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
