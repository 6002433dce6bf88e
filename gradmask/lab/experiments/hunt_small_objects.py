"""Where theory predicts a gain: small objects in large noisy scenes.

The question, the plan and the reading are those of :mod:`.core`.  Here the object takes
a twelfth of the map or less, so that a perfect mask could gain most, and the error has
much background to be noisy on.

The compute: maps of 40x40, 10 minutes for a seed on one core, 50 minutes for five.
"""

from gradmask.lab.experiments.comparison import profiles, run
from gradmask.lab.training.variants import with_controls

__all__ = ["PROFILES", "run"]

PROFILES = profiles(
    clutter={
        "size": 40,
        "object_size": 14,
        "patches": 10,
        "patch_size": 6,
        "noise": 0.2,
    },
    training=2000,
    variants=with_controls("theory"),
    epochs=20,
    ladder=[8, 11, 14, 17],
    attacked=300,
    severities=[3],
)
