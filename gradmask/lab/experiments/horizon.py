"""The comparison with schedules three times as long.

The question, the plan and the reading are those of :mod:`.core`; a
mask slows fitting, so that its gain, if any, may come later.

The compute: 50 minutes for a seed on one core, 4 hours for five.
"""

from gradmask.lab.trial import profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(epochs=90, ladder=[10, 14, 18, 22, 26, 30, 60])
