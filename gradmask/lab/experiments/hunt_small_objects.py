"""Where theory predicts a gain: small objects in large noisy scenes.

The question, the plan and the reading are those of :mod:`.core`.  Here the object takes
a twelfth of the map or less, so that a perfect mask could gain most, and the error has
much background to be noisy on.

The compute: maps of 40x40, 35 minutes for a seed on one core, 3 hours for five.
"""

from gradmask.lab.trial import profiles, run

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
    epochs=20,
    ladder=[8, 11, 14, 17],
)
