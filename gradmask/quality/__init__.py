"""How good a gradient is: the two criteria, and following them through training."""

from gradmask.quality.gradient import GradientQuality, gradient_quality
from gradmask.quality.lateral import lateral_quality
from gradmask.quality.monitor import QualityMonitor
from gradmask.quality.per_sample import per_sample_gradients
from gradmask.quality.spread import QualitySpread, quality_spread

__all__ = [
    "GradientQuality",
    "QualityMonitor",
    "QualitySpread",
    "gradient_quality",
    "lateral_quality",
    "per_sample_gradients",
    "quality_spread",
]
