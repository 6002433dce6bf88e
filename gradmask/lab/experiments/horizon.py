"""The comparison with schedules three times as long.

The question and the reading are those of :mod:`.core`, for both routes beside plain
training, stopped early or not; a mask slows fitting, so that its gain, if any, may come
later.

The compute: 11 minutes for a seed on one core, 55 for five.
"""

from gradmask.lab.experiments.comparison import profiles, run
from gradmask.lab.training.variants import MASKS

__all__ = ["PROFILES", "run"]

PROFILES = profiles(
    variants={"plain": None, "theory": MASKS["theory"], "signal": MASKS["signal"]},
    ladder=[60],
    epochs=90,
)
