"""The rivals of the mask in the ResNet's branches: shorter schedules, and chance.

The question, put when one seed of :mod:`.trunk_resnet` was done and had looked well: if
the literal mask in the branches alone is ahead of plain training, is it also ahead of
plain training stopped at its training loss, and of as many positions at random?

The reading: robustness under attack, and accuracy, on the seeds of
:mod:`.trunk_resnet`.  The mask is the cause of a gain if it is ahead of plain training,
of both rivals here and of the loudest positions there.

What we expect: ahead of chance; of stopping early in accuracy alone; of the loudest
positions in nothing.

The compute: 9 minutes for a seed on one core.
"""

from __future__ import annotations

from typing import Any

import torch

from gradmask.lab import trial
from gradmask.lab.experiments.trunk_resnet import BRANCHES, FRESH
from gradmask.lab.records import Row

__all__ = ["PROFILES", "run"]

PROFILES = trial.profiles(
    seeds=6,
    variants={"branches, random": BRANCHES | {"select": "random"}},
    ladder=[14, 19, 25],
)


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train and measure as :func:`gradmask.lab.trial.run`, with seed 4000 + `seed`."""
    return trial.run(config, FRESH + seed, device)
