"""Every experiment, by its name."""

from __future__ import annotations

from gradmask.lab.experiments import (
    augmentation,
    augmented,
    finetuning,
    hunt_dense,
    layer_gain,
    learning_rate,
    natural,
    overhead,
    overhead_cuda,
    photographs,
    photographs_imagenet,
    premise,
    quality,
    recipe,
    robustness,
    saliency,
    saliency_cnn,
    stripes,
    stripes_scales,
)
from gradmask.lab.experiments.comparisons import (
    airbench,
    benchmarks,
    core,
    networks,
    regimes,
    soft,
)
from gradmask.lab.experiments.experiment import Experiment

__all__ = ["experiment", "names"]

_ALL: tuple[Experiment, ...] = (
    *core.TABLE,
    *networks.TABLE,
    *regimes.TABLE,
    *benchmarks.TABLE,
    *airbench.TABLE,
    *soft.TABLE,
    *natural.TABLE,
    *recipe.TABLE,
    *finetuning.TABLE,
    *robustness.TABLE,
    augmentation.EXPERIMENT,
    augmented.SCENES,
    augmented.BACKGROUNDS,
    hunt_dense.EXPERIMENT,
    layer_gain.EXPERIMENT,
    learning_rate.EXPERIMENT,
    overhead.EXPERIMENT,
    overhead_cuda.EXPERIMENT,
    photographs.EXPERIMENT,
    photographs_imagenet.EXPERIMENT,
    premise.EXPERIMENT,
    quality.EXPERIMENT,
    saliency.EXPERIMENT,
    saliency_cnn.EXPERIMENT,
    stripes.EXPERIMENT,
    stripes_scales.EXPERIMENT,
)


def names() -> list[str]:
    """Names of all experiments, in alphabetical order."""
    return sorted(one.name for one in _ALL)


def experiment(name: str) -> Experiment:
    """Find an experiment.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    for one in _ALL:
        if one.name == name:
            return one
    raise ValueError(f"no experiment {name!r}; there are {', '.join(names())}")
