"""The formulas once more, in few launches: kernels in Triton, for CUDA devices.

They keep what formulas hand from one operation to the next where it is, and so launch
a kernel or three where formulas launch two dozen.  What they decide and compute is the
same up to rounding, and the formulas serve wherever they do not.
"""

from gradmask.fused.energy import contribution_energy, error_energy
from gradmask.fused.engine import Engine, engine, serves
from gradmask.fused.inhibition import lateral
from gradmask.fused.projection import project_out

__all__ = [
    "Engine",
    "contribution_energy",
    "engine",
    "error_energy",
    "lateral",
    "project_out",
    "serves",
]
