"""The one place where the literal mask helped: the MobileNet, on fresh seeds.

The question, put before any of these seeds ran: in :mod:`.cross_mobilenet` the literal
mask, 5x5 on the signal route, was ahead of plain training under attack, stopped early
or not, in one family of four.  Does that hold on seeds that did not suggest it, and is
it lateral inhibition, or would as many positions do the same at random or by loudness?

The reading: robustness under attack decides, in four paired differences, to plain
training, stopped early, random and top-k.  The mask is the cause if all four exclude
zero.

What we expect: that it holds beside plain training, that chance does harm, and that the
loudest positions do as well as the mask, since that is so in every other comparison
away from the core.

The plan: the family, scenes, schedules and measurements of :mod:`.cross_mobilenet`;
eight seeds that no other experiment draws.

The compute: 5 minutes for a seed on one core, 40 for eight.
"""

from __future__ import annotations

from typing import Any

import torch

from gradmask.lab.experiments import comparison as trial
from gradmask.lab.records import Row
from gradmask.lab.training.variants import with_controls

__all__ = ["PROFILES", "run"]

FRESH = 3000

PROFILES = trial.profiles(
    seeds=8,
    family="mobilenet",
    variants=with_controls("signal"),
    ladder=trial.ELSEWHERE["ladder"],
)


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train and measure as :func:`.comparison.run`, with seed 3000 + `seed`."""
    return trial.run(config, FRESH + seed, device)
