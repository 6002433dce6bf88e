"""The comparison on another family: MobileNet-like, depthwise convolutions.

The question and the reading are those of :mod:`.core`, with the masks and rungs of
:data:`gradmask.lab.experiments.comparison.ELSEWHERE`; the weights route masks depthwise
convolutions by the same formula.

The compute: 7 minutes for a seed on one core, 35 for five.
"""

from gradmask.lab.experiments.comparison import ELSEWHERE, profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(**ELSEWHERE, family="mobilenet")
