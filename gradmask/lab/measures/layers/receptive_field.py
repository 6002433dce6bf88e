"""How far a trained network looks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gradmask.lab.networks.inspection import calls_of, evaluation_copy

__all__ = ["radius", "receptive_field"]


def receptive_field(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    r"""Effective receptive field of a layer: what the unit in its middle depends on.

    .. math:: R(x) = \operatorname{mean}_{X, j}
              \Big| \frac{\partial z_j}{\partial X(x)} \Big|

    over images X and the layer's channels j, with :math:`z_j` the output of the layer
    at the position ``(H' // 2, W' // 2)``, summed over the channels of the image.

    Parameters
    ----------
    model : nn.Module
        It runs in evaluation mode, where no Gradient Mask acts, and is left as it is.
    layer : str
        Name of a module whose output is a map (B, C, H', W').
    images : Tensor
        Shape (B, 1, H, W).

    Returns
    -------
    Tensor, shape (H, W)
        The field, zero outside the theoretical one.

    Raises
    ------
    ValueError
        If there is no such layer, or its output is no map.

    References
    ----------
    Luo et al., *Understanding the effective receptive field in deep convolutional
    neural networks*, NeurIPS 2016, arXiv:1701.04128.
    """
    modules = dict(model.named_modules())
    if layer not in modules:
        raise ValueError(f"no layer {layer!r}; there are {', '.join(modules)}")
    images = images.detach().to(next(model.parameters()).device).clone()
    images.requires_grad_()
    model = evaluation_copy(model)
    with torch.enable_grad(), calls_of({layer: model.get_submodule(layer)}) as calls:
        model(images)
    output = calls[layer].output
    if output.dim() != 4:
        raise ValueError(f"{layer!r} gives no map but {tuple(output.shape)}")
    middle = output[:, :, output.shape[2] // 2, output.shape[3] // 2]
    field = images.new_zeros(images.shape[2:])
    for unit in middle.sum(0):
        (gradient,) = torch.autograd.grad(unit, images, retain_graph=True)
        field += gradient.abs().sum(1).mean(0)
    return field / middle.shape[1]


def radius(field: Tensor) -> float:
    r"""Root-mean-square distance of a field from its centre of mass, in pixels.

    .. math:: \ell^2 = \frac{\sum_x R(x) \lVert x - \bar x \rVert^2}{\sum_x R(x)}

    Parameters
    ----------
    field : Tensor, shape (H, W)
        Not negative; nan for a field of zeros.
    """
    weights = field.double() / field.double().sum()
    square = 0.0
    for axis in (0, 1):
        along = weights.sum(1 - axis)
        place = torch.arange(len(along), dtype=along.dtype, device=along.device)
        mean = (along * place).sum()
        square += float((along * (place - mean).square()).sum())
    return float(square**0.5)
