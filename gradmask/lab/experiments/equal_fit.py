"""Is theory's mask ahead of the loudest positions at equal fit?  Top-k, run shorter.

The question, put before any of these networks was trained: on twenty fresh seeds
(:mod:`gradmask.lab.experiments.confirm`) the mask was ahead of top-k in pruning,
robustness and attention, but it also ended with a higher training loss, and what fits
less is more robust for that alone.  Is it still ahead of top-k with a schedule so short
that both end with the same loss?

The plan: the same seeds, scenes, settings and measurements; top-k with two shorter
schedules, each run to its end.  With confirm's own run of top-k they make a ladder, and
the mask is compared with the point of it that has the mask's training loss.

The compute: 4 minutes for a seed on one core, 1.3 hours for twenty.
"""

from __future__ import annotations

from typing import Any

import torch

from gradmask.lab.experiments import comparison as trial
from gradmask.lab.experiments.confirm import FRESH
from gradmask.lab.records import Row
from gradmask.lab.training.variants import with_controls

__all__ = ["PROFILES", "run"]

LOUDEST = "theory, top-k"

PROFILES = trial.profiles(
    seeds=20,
    ladder=[],
    schedules=[22, 26],
    variants={LOUDEST: with_controls("theory")[LOUDEST]},
)
PROFILES["smoke"] |= {"ladder": [], "schedules": [1, 2]}


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Train and measure as :func:`.comparison.run`, once for each schedule."""
    return [
        row
        for epochs in config["schedules"]
        for row in trial.run(config | {"epochs": epochs}, FRESH + seed, device)
    ]
