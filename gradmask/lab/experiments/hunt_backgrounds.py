"""Where inhibition might pay: backgrounds that tell the class, and then mislead.

The question, the controls and the reading are those of :mod:`.core`.  In four training
scenes of five stripes behind the object tell its class; in validation and test they
always tell another.  A mask that holds the gradient to the object would learn less of
the stripes.  Against it speaks that energy gathers wherever the label can be read.

The compute: 8 minutes for a seed on one core, 40 minutes for five.
"""

from __future__ import annotations

from typing import Any

import torch

from gradmask.lab.data.scenes import Scenes
from gradmask.lab.data.shortcuts import misleading
from gradmask.lab.experiments import comparison as trial
from gradmask.lab.records import Row
from gradmask.lab.training.variants import with_controls

__all__ = ["PROFILES", "run"]

PROFILES = trial.profiles(
    agreement=0.8,
    variants=with_controls("theory"),
    ladder=[7, 14, 22],
    attacked=300,
    severities=[3],
)


def run(config: dict[str, Any], seed: int, device: torch.device) -> list[Row]:
    """Compare as :func:`.comparison.run` does, on striped scenes."""
    agreements = (config["agreement"], 0.0, 0.0)
    striped = []
    for split, agreement in zip(trial.splits(config, seed), agreements, strict=True):
        assert isinstance(split, Scenes)
        striped.append(misleading(split, agreement, seed=seed))
    return trial.compare(tuple(striped), config, seed, device)
