"""Schedules three times as long, for the controls of theory's mask.

Put after the first seed of :mod:`.horizon` and before any of these runs.  There all
variants ended with the same training loss, a few thousandths, and theory's mask was
still ahead of plain training under attack and in attention.  With nothing left to fit,
early stopping explains no lead: is the mask then also ahead of as many positions at
random, and of the loudest?

What we expect: of chance, clearly.  Of the loudest, by the point or two of
:mod:`.equal_fit`, which five seeds will hardly tell from zero.

The plan: the seeds, scenes and settings of :mod:`.horizon`, whose record holds plain
training and the mask itself.

The compute: 10 minutes for a seed on one core, 50 for five.
"""

from gradmask.lab.experiments import horizon
from gradmask.lab.experiments.comparison import run
from gradmask.lab.training.variants import with_controls

__all__ = ["PROFILES", "run"]

CONTROLS = {
    name: variant
    for name, variant in with_controls("theory").items()
    if name not in horizon.PROFILES["laptop"]["variants"]
}
PROFILES = {
    name: profile | {"ladder": [], "variants": CONTROLS}
    for name, profile in horizon.PROFILES.items()
}
