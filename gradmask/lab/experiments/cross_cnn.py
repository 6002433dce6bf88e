"""The comparison on another family: a plain CNN without normalisation.

The question and the reading are those of :mod:`.core`, with the masks and rungs of
:data:`gradmask.lab.experiments.comparison.ELSEWHERE`. The learning rate is the one that
:mod:`.learning_rate` chose on validation images, of those at which every variant learns
the best for plain training; no projection takes place, since nothing is normalised.

The compute: 5 minutes for a seed on one core, 25 for five.
"""

from gradmask.lab.experiments.comparison import ELSEWHERE, profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(**ELSEWHERE, family="cnn", learning_rate=0.02)
