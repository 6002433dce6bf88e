"""One setting of theory's mask changed at a time: which parts matter, which way.

The plan: the core's network, scenes and schedule, five seeds.  Every variant differs in
one thing from theory's mask, or from the literal mask on the signal route; both run
again on the same seeds, as does plain training with two shorter schedules.  Two ideas
are ours: sizing the kernel to the map, and tempering the mask: its threshold falls in
four steps, strict at first, when the gradient is noisiest, and all but open at last.

The compute: 22 runs of about a minute with their measurement (attacks on 300 images
only), 20 minutes for a seed on one core, 1.7 hours for five.
"""

from gradmask.lab.experiments.comparison import profiles, run
from gradmask.lab.training.variants import MASKS

__all__ = ["PROFILES", "run"]

SIGNAL, THEORY = MASKS["signal"], MASKS["theory"]

PROFILES = profiles(
    variants={
        "plain": None,
        "theory": THEORY,
        "error energy": THEORY | {"energy": "error"},
        "not projected": THEORY | {"project": False},
        "5x5": THEORY | {"sigma": 1.0, "size": 5, "relative": False},
        "half the scale": THEORY | {"sigma": 0.125},
        "twice the scale": THEORY | {"sigma": 0.5},
        "threshold -0.5": THEORY | {"threshold": -0.5},
        "threshold 0.5": THEORY | {"threshold": 0.5},
        "difference of Gaussians": THEORY | {"kernel": "dog"},
        "soft": THEORY | {"soft": True},
        "rescaled": THEORY | {"rescaled": True},
        "early layers": THEORY | {"depth": [0, 0.5]},
        "late layers": THEORY | {"depth": [0.5, 1]},
        "first half": [[0.5, THEORY], [1, None]],
        "second half": [[0.5, None], [1, THEORY]],
        "tempered": [
            [end, THEORY | {"threshold": threshold}]
            for end, threshold in [(0.25, 0.5), (0.5, 0.0), (0.75, -0.5), (1, -1.0)]
        ],
        "signal": SIGNAL,
        "signal, sized to the map": {"sigma": 0.25, "relative": True},
        "signal, rescaled": SIGNAL | {"rescaled": True},
    },
    ladder=[10, 19],
    attacked=300,
    severities=[3],
)
