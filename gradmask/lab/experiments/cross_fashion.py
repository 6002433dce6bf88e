"""The comparison where the object fills the frame: Fashion-MNIST itself.

The question and the reading are those of :mod:`.core`, with the masks of
:data:`gradmask.lab.experiments.comparison.ELSEWHERE`; with little background there is
little for a mask to silence. 4,000 images for 8 epochs are as many steps as 1,000 for
32.

The compute: 10 minutes for a seed on one core, 50 for five.
"""

from gradmask.lab.experiments.comparison import ELSEWHERE, profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(
    **ELSEWHERE | {"ladder": [3, 4, 6]}, data="fashion", training=4000, epochs=8
)
