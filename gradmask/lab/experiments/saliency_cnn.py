"""The questions of saliency, put to a fourth family: the CNN without normalisation.

The questions, the plan and the measurements are those of :mod:`.saliency`.  The rate,
chosen by :mod:`.learning_rate`, is this family's own; no projection takes place,
since nothing is normalised.

The compute: 4 minutes for a seed on one core, 18 minutes for five.
"""

from __future__ import annotations

from dataclasses import replace

from gradmask.lab.experiments import saliency

__all__ = ["EXPERIMENT"]

EXPERIMENT = replace(
    saliency.EXPERIMENT,
    name="saliency_cnn",
    question=__doc__,
    families=("cnn",),
    learning_rate=0.02,
)
