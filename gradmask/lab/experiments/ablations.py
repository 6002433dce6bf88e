"""One setting changed at a time: route, energy, projection, scale, threshold, kernel.

The question: which parts of the mask matter, and which way do they cut?

The plan: the core's network, scenes and schedule, five seeds.  Every variant differs in
one thing from one of the core's masks, "signal" or "theory", which run again on
the same seeds, as does plain training with its ladder.

The compute: 14 masked runs of 90 s with their measurement, 25 minutes for a seed on one
core, 2 hours for five.
"""

from gradmask.lab.trial import profiles, run
from gradmask.lab.variants import MASKS

__all__ = ["PROFILES", "run"]

SIGNAL, THEORY = MASKS["signal"], MASKS["theory"]

PROFILES = profiles(
    variants={
        "plain": None,
        "signal": SIGNAL,
        "signal, sized to the map": {"sigma": 0.25, "relative": True},
        "signal, two scales": SIGNAL | {"sigma": [1.0, 1.4]},
        "signal, threshold 0.5": SIGNAL | {"threshold": 0.5},
        "signal, threshold -0.5": SIGNAL | {"threshold": -0.5},
        "theory": THEORY,
        "theory, error energy": THEORY | {"energy": "error"},
        "theory, not projected": THEORY | {"project": False},
        "theory, 5x5": THEORY | {"sigma": 1.0, "size": 5, "relative": False},
        "theory, half the scale": THEORY | {"sigma": 0.125},
        "theory, twice the scale": THEORY | {"sigma": 0.5},
        "theory, threshold 0.5": THEORY | {"threshold": 0.5},
        "theory, threshold -0.5": THEORY | {"threshold": -0.5},
        "theory, difference of Gaussians": THEORY | {"kernel": "dog"},
    },
)
