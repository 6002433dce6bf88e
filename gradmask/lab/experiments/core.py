"""Every variant on 1,000 cluttered scenes, the small ResNet, ten seeds.

The question: does training with lateral inhibition beat plain training, the controls
that drop as much without it, and plain training stopped at the same training loss, in
accuracy, after pruning, under attack, and in its attention to the object?

The plan: 30 epochs, which plain training fits to 100 %, and plain training with shorter
schedules, the rungs of :mod:`gradmask.lab.reports.schedules`. A network is trained once
and measured for every chapter. Settings are equal for all variants, and none is chosen
by these numbers.

The compute: a plain run takes about 28 s on one core, a masked one 35 to 55 s, the
ladder a minute, measuring a network half a minute: 16 minutes for a seed, 2.7 hours for
ten.
"""

from gradmask.lab.experiments.comparison import profiles, run
from gradmask.lab.training.variants import with_controls

__all__ = ["PROFILES", "run"]

UNBALANCED = {"sigma": 1.4, "size": 5, "kernel": "unbalanced"}

PROFILES = profiles(
    seeds=10,
    variants={
        **with_controls("signal", "weights", "theory"),
        "unbalanced": UNBALANCED,
    },
)
