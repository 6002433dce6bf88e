"""Closed forms of the analysis: rates, gains, and where their assumptions end."""

from gradmask.theory.corrections import (
    break_even_batch,
    correlated_rate,
    effective_channels,
    varying_signal_gain,
)
from gradmask.theory.detector import detectability_map, noise_threshold
from gradmask.theory.energy import energy_moments
from gradmask.theory.kernel_choice import (
    background_bias,
    best_scale,
    kernel_correlation,
    union_false_alarm_rate,
)
from gradmask.theory.normalisation import normalised_gain
from gradmask.theory.prediction import GainPrediction, predict_gain
from gradmask.theory.rates import (
    false_alarm_rate,
    hit_rate,
    noise_selection,
    selected_false_alarm_rate,
    selected_hit_rate,
    snr_gain,
)

__all__ = [
    "GainPrediction",
    "background_bias",
    "best_scale",
    "break_even_batch",
    "correlated_rate",
    "detectability_map",
    "effective_channels",
    "energy_moments",
    "false_alarm_rate",
    "hit_rate",
    "kernel_correlation",
    "noise_selection",
    "noise_threshold",
    "normalised_gain",
    "predict_gain",
    "selected_false_alarm_rate",
    "selected_hit_rate",
    "snr_gain",
    "union_false_alarm_rate",
    "varying_signal_gain",
]
