"""The comparison where the object fills the frame: Fashion-MNIST itself.

The question, the plan and the reading are those of :mod:`.core`; with
little background there is little for a mask to silence.

The compute: 50 minutes for a seed on one core, 4 hours for five.
"""

from gradmask.lab.trial import profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(data="fashion", training=4000, ladder=[8, 12, 18, 24])
