"""The gradients of a training step as one CUDA graph, which waits for no host."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gradmask import Handle

__all__ = ["Gradients", "Replayed"]

Gradients = Callable[[Tensor, Tensor], Tensor]
"""Takes images and targets, adds to the gradients of a network, returns the loss."""

WARM_UP = 3


class Replayed:
    """Gradients that are computed as they are written a few times, and then replayed.

    Batches must keep their shapes.  A replay replaces the gradients of the network, to
    which a call of `gradients` adds; so none must be there before a call.

    Parameters
    ----------
    gradients : callable
        See :data:`Gradients`.  What it keeps of the host's is what it had when it was
        captured.
    model : nn.Module
        The network, on a GPU.
    handle : Handle, optional
        Of the mask that is attached to it.
    """

    def __init__(
        self, gradients: Gradients, model: nn.Module, handle: Handle | None = None
    ) -> None:
        self._gradients = gradients
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._handle = handle
        self._graph: torch.cuda.CUDAGraph | None = None
        self._made = 0

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Leave the gradients of a batch, and return its loss."""
        if self._made < WARM_UP:
            self._made += 1
            return self._aside(images, targets)
        if self._graph is None:
            self._graph = self._captured(images, targets)
        self._images.copy_(images)
        self._targets.copy_(targets)
        self._graph.replay()
        for p, gradient in zip(self._parameters, self._kept, strict=True):
            p.grad = gradient
        return self._loss.clone()

    def _aside(self, images: Tensor, targets: Tensor) -> Tensor:
        """Compute on a stream of its own, as capturing will."""
        aside, here = torch.cuda.Stream(), torch.cuda.current_stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            loss = self._gradients(images, targets)
        here.wait_stream(aside)
        return loss

    def _captured(self, images: Tensor, targets: Tensor) -> torch.cuda.CUDAGraph:
        self._images, self._targets = images.clone(), targets.clone()
        graph = torch.cuda.CUDAGraph()
        for generator in self._handle.generators if self._handle else ():
            graph.register_generator_state(generator)
        with torch.cuda.graph(graph):
            self._loss = self._gradients(self._images, self._targets)
        self._kept = [p.grad for p in self._parameters]
        return graph
