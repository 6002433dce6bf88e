"""What a mask costs on a GPU: run as it is written, compiled, and captured.

The question and the plan are those of :mod:`.overhead`.  Beside its small ResNet and a
ResNet-18 on small images stands a ResNet-50, whose maps are large enough to keep a GPU
busy.  A step is run as it is written; its network under ``torch.compile``, by default
and with ``mode="reduce-overhead"``, its activations out of place, since PyTorch before
2.14 does not compile a mask at an in-place one; and the whole step captured once as a
CUDA graph and replayed.

What bounds it are the two numbers of :mod:`.overhead`.  Of bytes an H100 moves about
3 TB/s, so that the three passes over the errors of a ResNet-50, 2.4 GB at 64 images of
224 pixels, take 2.4 ms at best.  Of launches the host makes one in 10 to 20 us, and the
GPU waits for it where the network's own kernels are as short: the small ResNet has
seven sites, each of which adds what a hook, a node and a launch cost.  A captured step
has no host to wait for.

The compute: two to three minutes for a seed on a GPU, most of which is compilation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import torch
from torch import nn

from gradmask.lab.experiments import overhead
from gradmask.lab.experiments.overhead import NETWORKS, Shape, compare, training_steps
from gradmask.lab.measures.cost import Step
from gradmask.lab.records import Row

__all__ = ["EXPERIMENT", "CompiledOverhead"]

_MODES = {"compiled": "default", "compiled, fewer launches": "reduce-overhead"}


@dataclass(frozen=True, kw_only=True)
class CompiledOverhead(overhead.Overhead):
    """Also which networks are compiled and captured, and with which variants."""

    compiled: Mapping[str, Shape]
    compiled_variants: tuple[str, ...] = ("plain", "signal", "weights")

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Measure as :mod:`.overhead` does, then compiled and captured steps.

        Of these "measured" is "training step, compiled", the same with "fewer launches"
        (the mode "reduce-overhead"), and "training step, captured".
        """
        rows = super().run(seed, device)
        for name, shape in self.compiled.items():
            images = overhead.batch(shape, seed, device)
            for way, mode in _MODES.items():
                through = partial(_compiled, images=images[0], mode=mode)
                steps = training_steps(
                    _out_of_place(NETWORKS[name]()),
                    images,
                    self.compiled_variants,
                    through,
                )
                rows += self._rows(name, way, steps, device)
            steps = training_steps(NETWORKS[name](), images, self.variants)
            steps = {variant: captured(step) for variant, step in steps.items()}
            rows += self._rows(name, "captured", steps, device)
        return rows

    def smoke(self) -> Self:
        """Compile and capture nothing."""
        return replace(super().smoke(), compiled={})

    def _rows(
        self, name: str, way: str, steps: Mapping[str, Step], device: torch.device
    ) -> list[Row]:
        measured = {"measured": f"training step, {way}", "network": name}
        return [measured | row for row in compare(steps, self.rounds, device)]


EXPERIMENT = CompiledOverhead(
    name="overhead_cuda",
    question=__doc__,
    seeds=range(1),
    rounds=20,
    networks={
        "small ResNet": (128, 1, 28, 28),
        "ResNet-18": (64, 3, 32, 32),
        "ResNet-50": (64, 3, 224, 224),
    },
    variants=(
        "plain", "plain hook", "signal, floor", "signal", "weights, floor", "weights",
        "theory",
    ),
    families=(),
    compiled={"small ResNet": (128, 1, 28, 28), "ResNet-18": (64, 3, 32, 32)},
)  # fmt: skip


def captured(step: Step) -> Step:
    """Capture a step as a CUDA graph, after some of it as they are; return its replay.

    What a mask keeps, its kernels and what it has learnt of the network, is made in
    those first steps.
    """
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def _compiled(model: nn.Module, images: torch.Tensor, mode: str) -> Any:
    """Compile a network in one piece, after the pass that its mask learns from."""
    model(images).sum().backward()
    return torch.compile(model, fullgraph=True, mode=mode)


def _out_of_place(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return model
