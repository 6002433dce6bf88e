r"""Saliency maps: where in an image a network finds the class that it is asked about.

Every map has the same form: it takes a classifier, images and their labels, and returns
a map of each image, not negative.  What is explained is the logit of the label.

What is asked is a copy of the network, in evaluation mode and free of Gradient Masks:
the network itself, its gradients and its modes stay as they are.  Two of the maps are
captum's (``pip install "gradmask[saliency]"``).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradmask import lateral_saliency
from gradmask.lab.networks.inspection import (
    calls_of,
    evaluation_copy,
    input_gradient,
)
from gradmask.masking import ACTIVATIONS

__all__ = [
    "MAPS",
    "SaliencyMap",
    "centre",
    "grad_cam",
    "grad_cam_plus_plus",
    "gradient",
    "integrated",
    "last_stage",
    "lateral",
    "noise",
]

SaliencyMap = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""Takes a classifier, images (N, C, H, W) and labels (N,) to maps (N, H, W)."""

STEPS = 32


def lateral(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Lateral saliency, :func:`gradmask.saliency.lateral_saliency`."""
    return lateral_saliency(evaluation_copy(model), images, labels)


def gradient(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    r"""Absolute gradient of the class's logit, its maximum over the colours.

    .. math:: S(x) = \max_i \, \lvert \partial f / \partial X_i(x) \rvert

    References
    ----------
    Simonyan, Vedaldi and Zisserman, *Deep inside convolutional networks: visualising
    image classification models and saliency maps*, ICLR workshops 2014.
    """
    slope, _ = input_gradient(
        evaluation_copy(model), images, lambda logits: _chosen(logits, labels)
    )
    return slope.abs().amax(1)


def integrated(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Integrated gradients from a black image, summed over colours, without signs.

    The integral is a sum of 32 terms, captum's Gauss-Legendre quadrature.

    References
    ----------
    Sundararajan, Taly and Yan, *Axiomatic attribution for deep networks*, ICML 2017.
    """
    from captum.attr import IntegratedGradients

    attributions: Tensor = IntegratedGradients(evaluation_copy(model)).attribute(
        images,
        target=labels,
        n_steps=STEPS,
        internal_batch_size=len(images),
    )
    return attributions.detach().sum(1).abs().to(images.dtype)


def grad_cam(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    r"""Grad-CAM of the last stage of convolutions, upsampled to the image.

    .. math::
        S = \uparrow \Big[ \sum_j w_j z_j \Big]_+ , \qquad
        w_j = \operatorname{mean}_x \, \partial f / \partial z_j(x)

    with f the logit, z the stage's output (:func:`last_stage`) and the arrow for
    bilinear interpolation; captum's.

    References
    ----------
    Selvaraju et al., *Grad-CAM: visual explanations from deep networks via
    gradient-based localization*, ICCV 2017.
    """
    from captum.attr import LayerGradCam

    model = evaluation_copy(model)
    with torch.enable_grad():
        coarse = LayerGradCam(model, last_stage(model)).attribute(
            images.detach().clone().requires_grad_(),
            target=labels,
            relu_attributions=True,
        )
    return _upsampled(coarse.detach(), images)


def grad_cam_plus_plus(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    r"""Grad-CAM++ of the last stage of convolutions, upsampled to the image.

    .. math::
        S = \uparrow \Big[ \sum_j w_j z_j \Big]_+ , \qquad
        w_j = \sum_x \frac{g_j(x)^2}{2 g_j(x)^2 + g_j(x)^3 \sum_y z_j(y)} [g_j(x)]_+

    with g the gradient of the logit at z; a term whose gradient is zero is zero.  The
    formula is meant for activations that are not negative: behind a linear stage, such
    as a MobileNet's, its denominators may have either sign.

    References
    ----------
    Chattopadhay et al., *Grad-CAM++: generalized gradient-based visual explanations for
    deep convolutional networks*, WACV 2018.
    """
    model = evaluation_copy(model)
    with torch.enable_grad(), calls_of({"last": last_stage(model)}) as calls:
        logits = model(images.detach().clone().requires_grad_())
        stage = calls["last"].output
        (slope,) = torch.autograd.grad(_chosen(logits, labels), stage)
    activation = stage.detach()
    denominator = 2 + slope * activation.sum((2, 3), keepdim=True)
    weights = torch.where(slope > 0, slope / denominator, 0.0).sum((2, 3), keepdim=True)
    return _upsampled((weights * activation).sum(1, keepdim=True).relu(), images)


def noise(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Uniform noise, the same at every call: a map that knows nothing."""
    generator = torch.Generator().manual_seed(0)
    shape = (len(images), *images.shape[2:])
    return torch.rand(shape, generator=generator).to(images)


def centre(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Gaussian about the centre, with a quarter of the sides for standard deviations.

    A map that knows only that photographers, and those who make scenes, do not put
    their objects into a corner.
    """
    row, column = (
        torch.exp(-8 * ((torch.arange(side) + 0.5) / side - 0.5).square())
        for side in images.shape[2:]
    )
    return torch.outer(row, column).to(images).expand(len(images), -1, -1)


MAPS: dict[str, SaliencyMap] = {
    "lateral": lateral,
    "gradient": gradient,
    "integrated": integrated,
    "grad-cam": grad_cam,
    "grad-cam++": grad_cam_plus_plus,
    "random": noise,
    "centre": centre,
}
"""The maps by name; the last two do not look at the network, and are the baselines."""


def last_stage(model: nn.Module) -> nn.Module:
    """Find the last of a network's children that convolves, or what completes it.

    Where the child is followed by its normalisation or its activation, the last of them
    is what is found: its output is what the network goes on with.  Where one child
    holds all convolutions, and several, that child is looked into.

    Parameters
    ----------
    model : nn.Module
        Whose children are in the order in which they are called: the families of
        ``gradmask.lab.networks.small``, and most of torchvision's and timm's.

    Raises
    ------
    ValueError
        If no child holds a convolution.
    """
    children = list(model.children())
    held = [sum(isinstance(m, nn.Conv2d) for m in c.modules()) for c in children]
    if not any(held):
        raise ValueError("none of the model's children holds a convolution")
    index = max(index for index, count in enumerate(held) if count)
    if 1 < held[index] == sum(held):
        return last_stage(children[index])
    completing = takewhile(
        lambda child: isinstance(child, (nn.BatchNorm2d, *ACTIVATIONS)),
        children[index + 1 :],
    )
    return [children[index], *completing][-1]


def _chosen(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.gather(1, labels[:, None]).sum()


def _upsampled(coarse: Tensor, images: Tensor) -> Tensor:
    return F.interpolate(coarse, images.shape[2:], mode="bilinear")[:, 0]
