"""Insertion and deletion: whether what a map finds salient matters to the network.

The class's probability, as the pixels of an image give way to those of another one in
the order of a saliency map.  Deletion goes from the image to black: the probability
should fall soon.  Insertion goes from the blurred image to the image: it should rise
soon.

The formulas are those of Petsiuk, Das and Saenko, *RISE: randomized input sampling for
explanation of black-box models*, BMVC 2018.  The blur is ours, relative to the image.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.transforms.functional import gaussian_blur

from gradmask.lab.networks.inspection import evaluation_copy

__all__ = ["area", "blurred", "deletion", "insertion", "probability_curve"]


def insertion(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    saliency: Tensor,
    steps: int = 16,
) -> Tensor:
    """Probability of the class while the image emerges from its blur.

    Parameters, and what is returned, are those of :func:`probability_curve`.
    """
    return probability_curve(model, blurred(images), images, labels, saliency, steps)


def deletion(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    saliency: Tensor,
    steps: int = 16,
) -> Tensor:
    """Probability of the class while the image turns black.

    Parameters, and what is returned, are those of :func:`probability_curve`.
    """
    black = torch.zeros_like(images)
    return probability_curve(model, images, black, labels, saliency, steps)


@torch.no_grad()
def probability_curve(
    model: nn.Module,
    before: Tensor,
    after: Tensor,
    labels: Tensor,
    saliency: Tensor,
    steps: int = 16,
) -> Tensor:
    """Probability of the class on the way from some images to others.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits; it is copied, and left as it is.
    before, after : Tensor
        Images of shape (N, C, H, W).
    labels : Tensor
        The class of each, of shape (N,).
    saliency : Tensor
        Maps of shape (N, H, W): the most salient pixels change first, and of equals
        the one that comes first in reading order.
    steps : int, default 16
        Number of equal steps.

    Returns
    -------
    Tensor
        Of shape (N, steps + 1), from none of the pixels to all of them.

    Raises
    ------
    ValueError
        If steps is not positive.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    model = evaluation_copy(model)
    order = saliency.flatten(1).argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(1).view_as(saliency)[:, None]
    pixels = order.shape[1]
    curve = []
    for step in range(steps + 1):
        changed = rank < round(step * pixels / steps)
        probabilities = model(torch.where(changed, after, before)).softmax(1)
        curve.append(probabilities.gather(1, labels[:, None]))
    return torch.cat(curve, 1)


def area(curve: Tensor) -> Tensor:
    """Area under each of the curves (N, steps + 1) over the share of the pixels."""
    return torch.trapezoid(curve, dx=1 / (curve.shape[1] - 1))


def blurred(images: Tensor) -> Tensor:
    """Blur images (N, C, H, W) by a Gaussian of an eighth of their shorter side.

    Such a blur leaves nothing of an object that covers half of a side but a smear.
    """
    sigma = min(images.shape[2:]) / 8
    size = 2 * round(2 * sigma) + 1
    blurry: Tensor = gaussian_blur(images, [size, size], [sigma, sigma])
    return blurry
