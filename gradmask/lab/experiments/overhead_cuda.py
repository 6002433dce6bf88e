"""What a mask costs on a GPU: run as it is written, and compiled.

The question and the plan are those of :mod:`.overhead`.  Beside its two networks stands
one whose maps are large enough to keep a GPU busy; and the smaller of torchvision's is
measured once more with both variants under ``torch.compile``, its activations out of
place, since PyTorch before 2.14 does not compile a mask at an in-place one.

What bounds it: a GPU is fed by a queue of kernels, and a mask adds about two dozen
short ones at every site.  Where the network's own are short as well, the step takes as
long as it takes to launch them; where they are long, what counts are the passes over
the error.

The compute: two minutes for a seed on a GPU, most of which is compilation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import nn

from gradmask.lab.experiments import overhead
from gradmask.lab.experiments.overhead import NETWORKS, Shape, compare, training_steps
from gradmask.lab.records import Row

__all__ = ["EXPERIMENT", "CompiledOverhead"]


@dataclass(frozen=True, kw_only=True)
class CompiledOverhead(overhead.Overhead):
    """Also which networks are compiled, with which batches and variants."""

    compiled: Mapping[str, Shape]
    compiled_variants: tuple[str, ...] = ("plain", "signal")

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Measure as :mod:`.overhead` does, then "training step, compiled"."""
        rows = super().run(seed, device)
        for name, shape in self.compiled.items():
            steps = training_steps(
                _out_of_place(NETWORKS[name]()),
                overhead.batch(shape, seed, device),
                self.compiled_variants,
                torch.compile,
            )
            measured = {"measured": "training step, compiled", "network": name}
            rows += [measured | row for row in compare(steps, self.rounds, device)]
        return rows

    def smoke(self) -> Self:
        """Compile nothing."""
        return replace(super().smoke(), compiled={})


EXPERIMENT = CompiledOverhead(
    name="overhead_cuda",
    question=__doc__,
    seeds=range(1),
    networks={
        "small ResNet": (128, 1, 28, 28),
        "ResNet-18": (64, 3, 32, 32),
        "ResNet-50": (64, 3, 224, 224),
    },
    families=(),
    compiled={"ResNet-18": (64, 3, 32, 32)},
)


def _out_of_place(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return model
