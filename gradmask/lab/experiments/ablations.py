"""One setting changed at a time: route, energy, projection, scale, threshold, kernel.

The question: which parts of the mask matter, and which way do they cut?

The plan: the core's network, scenes and schedule, five seeds.  Every variant differs in
one thing from one of the core's masks, "signal" or "contribution", which run again on
the same seeds, as does plain training with its ladder.

The compute: 14 masked runs of 90 s with their measurement, 25 minutes for a seed on one
core, 2 hours for five.
"""

from gradmask.lab.trial import profiles, run
from gradmask.lab.variants import MASKS

__all__ = ["PROFILES", "run"]

SIGNAL, CONTRIBUTION = MASKS["signal"], MASKS["contribution"]

PROFILES = profiles(
    variants={
        "plain": None,
        "signal": SIGNAL,
        "signal, sized to the map": {"sigma": 0.12, "relative": True},
        "signal, two scales": SIGNAL | {"sigma": [1.0, 1.4]},
        "signal, threshold 0.5": SIGNAL | {"threshold": 0.5},
        "signal, threshold -0.5": SIGNAL | {"threshold": -0.5},
        "contribution": CONTRIBUTION,
        "contribution, error energy": CONTRIBUTION | {"energy": "error"},
        "contribution, not projected": CONTRIBUTION | {"project": False},
        "contribution, 5x5": CONTRIBUTION
        | {"sigma": 1.0, "size": 5, "relative": False},
        "contribution, half the scale": CONTRIBUTION | {"sigma": 0.06},
        "contribution, twice the scale": CONTRIBUTION | {"sigma": 0.24},
        "contribution, threshold 0.5": CONTRIBUTION | {"threshold": 0.5},
        "contribution, threshold -0.5": CONTRIBUTION | {"threshold": -0.5},
        "contribution, difference of Gaussians": CONTRIBUTION | {"kernel": "dog"},
    },
)
