"""Where the literal mask does harm: the ResNet, masked in its branches or its trunk.

The question, put before any of these seeds ran: why does the literal mask, 5x5 at every
activation, help the MobileNet under attack and no other family?  A guess: where its
activations stand.  A residual network's error reaches the early layers by its trunk,
past the branches.  The ResNet's activations stand on both, so that an error is masked
once more at every block that it passes; the MobileNet's stand in the branches (the
first of all apart, which has one convolution below it), and where a block keeps its
map's size the trunk hands on the plain error.

The reading: robustness under attack.  The guess stands if the mask in the branches
alone is ahead of the same mask in the trunk alone, and of the mask at both, with
intervals that exclude zero; :mod:`.trunk_mobilenet` asks the reverse.  Whether the mask
in the branches also helps, beside plain training and the loudest positions there, is
told as well, and decides nothing.

What we expect: that it stands.

The plan: the scenes, schedule and measurements of :mod:`.core`, without its ladder; six
seeds that no other experiment draws.

The compute: 12 minutes for a seed on one core.
"""

from __future__ import annotations

from typing import Any

import torch

from gradmask.lab.experiments import comparison as trial
from gradmask.lab.records import Row
from gradmask.lab.training.variants import MASKS

__all__ = ["PROFILES", "run"]

FRESH = 4000
BRANCHES = MASKS["signal"] | {"sites": r".*body\.1"}

PROFILES = trial.profiles(
    seeds=6,
    variants={
        "plain": None,
        "signal": MASKS["signal"],
        "branches": BRANCHES,
        "branches, top-k": BRANCHES | {"select": "top-k"},
        "trunk": MASKS["signal"] | {"sites": r"2|.*activation"},
    },
    ladder=[],
)


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train and measure as :func:`.comparison.run`, with seed 4000 + `seed`."""
    return trial.run(config, FRESH + seed, device)
