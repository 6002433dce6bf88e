"""How good a gradient is: the two criteria, and following them through training."""

from gradmask.quality.gradient import GradientQuality, gradient_quality
from gradmask.quality.lateral import lateral_quality
from gradmask.quality.monitor import QualityMonitor
from gradmask.quality.per_sample import per_sample_gradients

__all__ = [
    "GradientQuality",
    "QualityMonitor",
    "gradient_quality",
    "lateral_quality",
    "per_sample_gradients",
]
