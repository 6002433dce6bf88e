"""Where theory predicts a gain: labels of which a third are drawn at random.

The question, the plan and the reading are those of :mod:`.core`.  A wrong label's error
is loud and shared with nobody: gradient noise that plain training comes to memorise.

The compute: 8 minutes for a seed on one core, 40 minutes for five.
"""

from gradmask.lab.experiments.comparison import profiles, run
from gradmask.lab.training.variants import with_controls

__all__ = ["PROFILES", "run"]

PROFILES = profiles(
    label_noise=0.33,
    variants=with_controls("theory"),
    ladder=[4, 7, 10, 14, 18, 22, 26],
    attacked=300,
    severities=[3],
)
