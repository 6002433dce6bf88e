"""The comparison with more scenes, 4,000, where less is overfitted.

The question and the reading are those of :mod:`.core`, with the masks of
:data:`gradmask.lab.experiments.comparison.ELSEWHERE`; 8 epochs are as many steps as 32
of the core.

The compute: 10 minutes for a seed on one core, 50 for five.
"""

from gradmask.lab.experiments.comparison import ELSEWHERE, profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(**ELSEWHERE | {"ladder": [3, 4, 6]}, training=4000, epochs=8)
