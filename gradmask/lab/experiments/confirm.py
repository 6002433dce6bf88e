"""Does the core's lead hold?  Theory's mask and top-k once more, on fresh seeds.

The question, put before any of these seeds ran: in the core, theory's mask was more
robust than top-k of the same energy, its best control, and looked more at the object,
but those were two intervals among many.  Is it so again, and in accuracy and after
pruning as well?

The plan: the core's network, scenes, schedule and measurements, twenty seeds that no
other experiment draws, and only what the question needs: plain training, the mask and
top-k.  Scenes and networks are new; the test scenes' objects come from the same 2,000
images.

The compute: 4 minutes for a seed on one core, 1.3 hours for twenty.
"""

from __future__ import annotations

from typing import Any

import torch

from gradmask.lab.experiments import comparison as trial
from gradmask.lab.records import Row
from gradmask.lab.training.variants import with_controls

__all__ = ["PROFILES", "run"]

FRESH = 1000

PROFILES = trial.profiles(
    seeds=20,
    ladder=[],
    variants={
        name: options
        for name, options in with_controls("theory").items()
        if name != "theory, random"
    },
)


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train and measure as :func:`.comparison.run`, with seed 1000 + `seed`."""
    return trial.run(config, FRESH + seed, device)
