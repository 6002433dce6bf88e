"""The comparison with more scenes, 4,000, where less is overfitted.

The question, the plan and the reading are those of :mod:`.core`; 12
epochs are as many steps as 48 of the core.

The compute: 30 minutes for a seed on one core, 2.5 hours for five.
"""

from gradmask.lab.trial import profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(training=4000, epochs=12, ladder=[5, 7, 8, 10])
