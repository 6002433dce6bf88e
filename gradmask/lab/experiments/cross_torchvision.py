"""The comparison on torchvision's networks: ResNet-18 and -50, VGG-16, MobileNetV3.

The question and the reading are those of :mod:`.core`, with the masks and rungs of
:data:`gradmask.lab.trial.ELSEWHERE`, for each network in turn ("family" in the rows).
The scenes are magnified to 128 pixels.

The compute: a GPU; on one core a single seed would take days, so that there is no
record yet.  The smallest profile trains ResNet-18 for a moment.
"""

from __future__ import annotations

from typing import Any

import torch

from gradmask.lab import trial
from gradmask.lab.large import LARGE
from gradmask.lab.records import Row

__all__ = ["PROFILES", "run"]

PROFILES = trial.profiles(**trial.ELSEWHERE, families=list(LARGE))
PROFILES["smoke"] |= {
    "families": ["resnet18"],
    "training": 8,
    "test": 4,
    "attacked": 2,
    "epochs": 1,
    "batch_size": 4,
    "tuned": [],
}


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Compare as :func:`gradmask.lab.trial.run` does, every network."""
    return [
        {"family": family} | row
        for family in config["families"]
        for row in trial.run(config | {"family": family}, seed, device)
    ]
