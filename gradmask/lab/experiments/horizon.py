"""The comparison with schedules three times as long.

The question and the reading are those of :mod:`.core`, with the masks of
:data:`gradmask.lab.trial.ELSEWHERE`; a mask slows fitting, so that its gain, if any,
may come later.

The compute: 18 minutes for a seed on one core, 1.5 hours for five.
"""

from gradmask.lab.trial import ELSEWHERE, profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(**ELSEWHERE | {"ladder": [30, 60]}, epochs=90)
