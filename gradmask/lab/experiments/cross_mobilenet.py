"""The comparison on another family: MobileNet-like, depthwise convolutions.

The question, the plan and the reading are those of :mod:`.core`; the
weights route masks depthwise convolutions by the same formula.

The compute: 20 minutes for a seed on one core, 1.7 hours for five.
"""

from gradmask.lab.trial import profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(family="mobilenet")
