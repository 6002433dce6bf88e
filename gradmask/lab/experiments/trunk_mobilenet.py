"""Where the literal mask helps: the MobileNet, masked in its trunk as well.

The other half of :mod:`.trunk_resnet`, with its guess and its plan: masked after every
block, too, the MobileNet hands no plain error on.

The reading: robustness under attack.  The guess stands if the mask in the branches, as
it is, is ahead of the mask in branches and trunk, with an interval that excludes zero.

What we expect: that it stands, and that the mask in branches and trunk is no longer
ahead of plain training.

The compute: 5 minutes for a seed on one core.
"""

from gradmask.lab.experiments import comparison as trial
from gradmask.lab.experiments.trunk_resnet import run
from gradmask.lab.training.variants import MASKS

__all__ = ["PROFILES", "run"]

PROFILES = trial.profiles(
    seeds=6,
    family="mobilenet",
    variants={
        "plain": None,
        "signal": MASKS["signal"],
        "trunk too": MASKS["signal"] | {"sites": r"[2-8]|.*body\.[13]"},
    },
    ladder=[],
)
