"""Looking at a network without changing it: copies, predictions, gradients, errors.

No other module of the laboratory places hooks or copies a network to look at it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.prune import BasePruningMethod

from gradmask.lab.data.images import intensities
from gradmask.masking import ACTIVATIONS, recorded

__all__ = [
    "Call",
    "batch_normalised_copy",
    "calls_of",
    "deep_copy",
    "error_signals",
    "evaluation_copy",
    "input_gradient",
    "predict",
]


def deep_copy(model: nn.Module) -> nn.Module:
    """Copy a network, also one whose pruned weights still belong to a graph."""
    for module in model.modules():
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, BasePruningMethod):
                with torch.no_grad():
                    hook(module, ())
    return copy.deepcopy(model)


def evaluation_copy(model: nn.Module) -> nn.Module:
    """Copy a network: in evaluation mode, without gradients, free of Gradient Masks."""
    return deep_copy(model).eval().requires_grad_(False)


def batch_normalised_copy(model: nn.Module, images: Tensor) -> nn.Module:
    """Copy a network in evaluation mode, normalised by the statistics of images.

    With them the forward pass is that of training on these images as one batch, also
    before the first step, when the network's own running statistics say nothing; and
    every sample has a gradient of its own.
    """
    model = deep_copy(model).train()
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.reset_running_stats()
            module.momentum = None
    with torch.no_grad():
        model(images)
    return model.eval()


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, batch_size: int = 500) -> Tensor:
    """Logits in evaluation mode; the network is left in the mode it was in.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits.
    images : Tensor
        Intensities or bytes of shape (N, C, H, W), on any device.
    batch_size : int, default 500
        Images per forward pass.

    Returns
    -------
    Tensor
        Shape (N, K), or (N, K, H, W) for a dense prediction, on the network's device.
    """
    device = next(model.parameters()).device
    before = model.training
    model.eval()
    parts = images.split(batch_size)
    logits = torch.cat([model(intensities(part.to(device))) for part in parts])
    model.train(before)
    return logits


def input_gradient(
    model: nn.Module, images: Tensor, objective: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Gradient of a function of the logits with respect to the images.

    Parameters
    ----------
    model : nn.Module
        As a rule an :func:`evaluation_copy`; it runs in the mode it is in.
    images : Tensor
        Shape (N, C, H, W).
    objective : callable
        Takes the logits (N, K) to a number.

    Returns
    -------
    gradient : Tensor
        Of the shape of the images.
    logits : Tensor
        Shape (N, K), detached.
    """
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_()
        logits = model(x)
        (gradient,) = torch.autograd.grad(objective(logits), x)
    return gradient, logits.detach()


def error_signals(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    layers: Mapping[str, nn.Module] | None = None,
    *,
    reduction: str = "mean",
) -> dict[str, Tensor]:
    """Error signals of the cross-entropy at chosen layers.

    Parameters
    ----------
    model : nn.Module
        Classifier; it runs in the mode it is in, and its ``grad`` fields are left as
        they were.
    images, labels : Tensor
        Shapes (B, C, H, W) and (B,), or (B, H, W) for a dense prediction.
    layers : mapping of str to Module, optional
        Modules by name: the error is taken at an activation's input and at the output
        of any other.  Default: every activation.
    reduction : {"mean", "sum"}, default "mean"
        Of the samples' losses.

    Returns
    -------
    dict of str to Tensor
        By name, (B, C', H', W'), in the order of the forward pass; a module that runs
        twice gives its first run.
    """
    if layers is None:
        named = model.named_modules()
        layers = {name: m for name, m in named if isinstance(m, ACTIVATIONS)}
    errors: dict[str, Tensor] = {}
    with recorded(layers, errors.__setitem__):
        loss = F.cross_entropy(model(images), labels, reduction=reduction)
        torch.autograd.grad(loss, list(model.parameters()))
    return dict(reversed(errors.items()))


class Call(NamedTuple):
    """What a module was last given, and what it made of it."""

    input: Tensor
    output: Tensor


@contextmanager
def calls_of(layers: Mapping[str, nn.Module]) -> Iterator[dict[str, Call]]:
    """Record inputs and outputs of layers that run in this block.

    Yields
    ------
    dict of str to Call
        By name, in the order of the calls.  What is recorded belongs to the graph; a
        later module that works in place works on a copy.
    """
    calls: dict[str, Call] = {}
    with ExitStack() as stack:
        for name, module in layers.items():

            def record(
                module: nn.Module, args: tuple[Any, ...], output: Tensor, at: str = name
            ) -> Tensor:
                calls[at] = Call(args[0], output)
                return output.clone()

            stack.callback(module.register_forward_hook(record).remove)
        yield calls
