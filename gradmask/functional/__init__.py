"""The formulas: pure functions of tensors, without modules, hooks or state."""

from gradmask.functional.energy import contribution_energy, error_energy
from gradmask.functional.kernels import (
    difference_of_gaussians,
    laplacian_of_gaussian,
    unbalanced_laplacian_of_gaussian,
)
from gradmask.functional.masks import (
    gradient_mask,
    keep_largest,
    lateral_mask,
    lateral_response,
)
from gradmask.functional.projection import project_out
from gradmask.functional.soft import lateral_weights, rearrange

__all__ = [
    "contribution_energy",
    "difference_of_gaussians",
    "error_energy",
    "gradient_mask",
    "keep_largest",
    "laplacian_of_gaussian",
    "lateral_mask",
    "lateral_response",
    "lateral_weights",
    "project_out",
    "rearrange",
    "unbalanced_laplacian_of_gaussian",
]
