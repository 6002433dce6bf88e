"""Looking at the error signals of a classifier without changing them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradmask.masking import ACTIVATIONS, recorded

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
    sites = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, ACTIVATIONS)
    }
    with recorded(sites, errors.__setitem__):
        loss = F.cross_entropy(model(images), labels)
        torch.autograd.grad(loss, list(model.parameters()))
    return dict(reversed(errors.items()))
