"""Where theory predicts a gain: training that the gradient's noise limits.

The question, the plan and the reading are those of :mod:`.core`.  With batches of eight
and few passes over many scenes nothing is overfitted, and what limits training is the
noise of the gradient, which is what a mask is to remove.

The compute: 11 minutes for a seed on one core, 1 hour for five.
"""

from gradmask.lab.experiments.comparison import profiles, run
from gradmask.lab.training.variants import with_controls

__all__ = ["PROFILES", "run"]

PROFILES = profiles(
    training=8000,
    batch_size=8,
    variants=with_controls("theory"),
    epochs=4,
    ladder=[1, 2, 3],
    attacked=300,
    severities=[3],
)
