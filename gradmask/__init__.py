"""Gradient Mask: lateral inhibition in the backward pass of convolutional networks."""

from importlib.metadata import version

from gradmask.attach import Handle
from gradmask.inhibition import GradientMask
from gradmask.kernels import (
    difference_of_gaussians,
    laplacian_of_gaussian,
    unbalanced_laplacian_of_gaussian,
)
from gradmask.mask import (
    contribution_energy,
    error_energy,
    gradient_mask,
    keep_largest,
    lateral_mask,
    lateral_response,
    project_out,
)

__version__ = version("gradmask")

__all__ = [
    "GradientMask",
    "Handle",
    "contribution_energy",
    "difference_of_gaussians",
    "error_energy",
    "gradient_mask",
    "keep_largest",
    "laplacian_of_gaussian",
    "lateral_mask",
    "lateral_response",
    "project_out",
    "unbalanced_laplacian_of_gaussian",
]
