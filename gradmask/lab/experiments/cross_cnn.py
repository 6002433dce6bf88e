"""The comparison on another family: a plain CNN without normalisation.

The question, the plan and the reading are those of :mod:`.core`; no
projection takes place here, since nothing is normalised.

The compute: 12 minutes for a seed on one core, 1 hour for five.
"""

from gradmask.lab.trial import profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(family="cnn")
