"""Gradient Mask: lateral inhibition in the backward pass of convolutional networks."""

from importlib.metadata import version

from gradmask.attach import Handle
from gradmask.boxes import box_iou, energy_in_box, saliency_box
from gradmask.detector import (
    GainPrediction,
    detectability_map,
    energy_moments,
    noise_threshold,
    predict_gain,
)
from gradmask.energy import contribution_energy, error_energy
from gradmask.inhibition import GradientMask
from gradmask.kernels import (
    difference_of_gaussians,
    laplacian_of_gaussian,
    unbalanced_laplacian_of_gaussian,
)
from gradmask.limits import (
    break_even_batch,
    correlated_rate,
    effective_channels,
    varying_signal_gain,
)
from gradmask.mask import (
    gradient_mask,
    keep_largest,
    lateral_mask,
    lateral_response,
)
from gradmask.monitor import QualityMonitor
from gradmask.per_sample import per_sample_gradients
from gradmask.projection import project_out
from gradmask.quality import GradientQuality, gradient_quality, lateral_quality
from gradmask.saliency import lateral_saliency
from gradmask.scale import (
    background_bias,
    best_scale,
    kernel_correlation,
    union_false_alarm_rate,
)
from gradmask.theory import (
    false_alarm_rate,
    hit_rate,
    noise_selection,
    selected_false_alarm_rate,
    selected_hit_rate,
    snr_gain,
)

__version__ = version("gradmask")

__all__ = [
    "GainPrediction",
    "GradientMask",
    "GradientQuality",
    "Handle",
    "QualityMonitor",
    "background_bias",
    "best_scale",
    "box_iou",
    "break_even_batch",
    "contribution_energy",
    "correlated_rate",
    "detectability_map",
    "difference_of_gaussians",
    "effective_channels",
    "energy_in_box",
    "energy_moments",
    "error_energy",
    "false_alarm_rate",
    "gradient_mask",
    "gradient_quality",
    "hit_rate",
    "keep_largest",
    "kernel_correlation",
    "laplacian_of_gaussian",
    "lateral_mask",
    "lateral_quality",
    "lateral_response",
    "lateral_saliency",
    "noise_selection",
    "noise_threshold",
    "per_sample_gradients",
    "predict_gain",
    "project_out",
    "saliency_box",
    "selected_false_alarm_rate",
    "selected_hit_rate",
    "snr_gain",
    "unbalanced_laplacian_of_gaussian",
    "union_false_alarm_rate",
    "varying_signal_gain",
]
