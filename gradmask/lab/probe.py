"""Looking at the error signals of a network without changing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradmask.attach import ACTIVATIONS
from gradmask.routes import mask_signal

__all__ = ["error_signals"]


def error_signals(
    model: nn.Module, images: Tensor, labels: Tensor
) -> dict[str, Tensor]:
    """Error signal of the mean cross-entropy at the input of every activation.

    Parameters
    ----------
    model : nn.Module
        Classifier; it runs in the mode it is in, and its ``grad`` fields are left as
        they were.
    images, labels : Tensor
        Shapes (B, 1, H, W) and (B,).

    Returns
    -------
    dict of str to Tensor
        By the name of the activation module, (B, C, H', W'), in the order of the
        forward pass; a module that runs twice gives its first run.
    """
    errors: dict[str, Tensor] = {}

    def recorder(name: str) -> Callable[..., Any]:
        def record(delta: Tensor) -> Tensor:
            errors[name] = delta
            return delta

        def hook(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            inplace = getattr(module, "inplace", False)
            return (mask_signal(args[0], record, inplace=inplace), *args[1:])

        return hook

    hooks = [
        module.register_forward_pre_hook(recorder(name))
        for name, module in model.named_modules()
        if isinstance(module, ACTIVATIONS)
    ]
    try:
        loss = F.cross_entropy(model(images), labels)
    finally:
        for hook in hooks:
            hook.remove()
    torch.autograd.grad(loss, list(model.parameters()))
    return dict(reversed(errors.items()))
