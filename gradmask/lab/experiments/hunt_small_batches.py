"""Where theory predicts a gain: training that the gradient's noise limits.

The question, the plan and the reading are those of :mod:`.core`.  With batches of eight
and few passes over many scenes nothing is overfitted, and what limits training is the
noise of the gradient, which is what a mask is to remove.

The compute: 60 minutes for a seed on one core, 5 hours for five.
"""

from gradmask.lab.trial import profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(
    training=8000, batch_size=8, epochs=4, ladder=[1, 2, 3], attacked=500
)
