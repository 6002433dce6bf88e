"""Closed forms of the analysis: rates, gains, and where their assumptions end."""

from gradmask.theory.corrections import (
    break_even_batch,
    correlated_rate,
    effective_channels,
    varying_signal_gain,
)
from gradmask.theory.descent import (
    agreement,
    critical_strength,
    guaranteed_drop,
    half_gain,
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
from gradmask.theory.soft import (
    best_threshold,
    posterior,
    posterior_variance,
    soft_gain,
    wiener_factor,
)
from gradmask.theory.soft_detector import SoftPrediction, predict_soft_gain

__all__ = [
    "GainPrediction",
    "SoftPrediction",
    "agreement",
    "background_bias",
    "best_scale",
    "best_threshold",
    "break_even_batch",
    "correlated_rate",
    "critical_strength",
    "detectability_map",
    "effective_channels",
    "energy_moments",
    "false_alarm_rate",
    "guaranteed_drop",
    "half_gain",
    "hit_rate",
    "kernel_correlation",
    "noise_selection",
    "noise_threshold",
    "normalised_gain",
    "posterior",
    "posterior_variance",
    "predict_gain",
    "predict_soft_gain",
    "selected_false_alarm_rate",
    "selected_hit_rate",
    "snr_gain",
    "soft_gain",
    "union_false_alarm_rate",
    "varying_signal_gain",
    "wiener_factor",
]
