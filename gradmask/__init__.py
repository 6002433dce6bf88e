"""Gradient Mask: lateral inhibition in the backward pass of convolutional networks."""

from importlib.metadata import version

from gradmask import functional, masking, quality, saliency, theory
from gradmask.functional import gradient_mask, laplacian_of_gaussian
from gradmask.gradient_mask import GradientMask
from gradmask.masking import Handle
from gradmask.quality import (
    GradientQuality,
    QualityMonitor,
    gradient_quality,
    lateral_quality,
    per_sample_gradients,
)
from gradmask.saliency import lateral_saliency
from gradmask.soft_mask import SoftMask

__version__ = version("gradmask")

__all__ = [
    "GradientMask",
    "GradientQuality",
    "Handle",
    "QualityMonitor",
    "SoftMask",
    "functional",
    "gradient_mask",
    "gradient_quality",
    "laplacian_of_gaussian",
    "lateral_quality",
    "lateral_saliency",
    "masking",
    "per_sample_gradients",
    "quality",
    "saliency",
    "theory",
]
