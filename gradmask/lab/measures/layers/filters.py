"""What the first convolution of a network looks for."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["first_filters"]


def first_filters(model: nn.Module) -> Tensor:
    """Filters of the first convolution, one for each of its channels.

    Parameters
    ----------
    model : nn.Module
        Network that takes grey images.

    Returns
    -------
    Tensor, shape (C, k, k)
        A copy of the weights.

    Raises
    ------
    ValueError
        If the model has no convolution, or the first takes several channels.
    """
    first = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None or first.weight.shape[1] != 1:
        raise ValueError("the first convolution must take one channel")
    return first.weight.detach()[:, 0].clone()
