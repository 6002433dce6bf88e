r"""Common corruptions: what weather and cameras, not adversaries, do to an image.

After Hendrycks and Dietterich, *Benchmarking neural network robustness to common
corruptions and perturbations*, ICLR 2019, with strengths of our own.  They are mild to
the eye, and chosen so that plain training's accuracy on the validation scenes falls in
steps, from hardly at all to more than half.  For an image X in [0, 1] and severity
1 ... 5:

- noise: :math:`X + t n`, n standard normal at every pixel, clipped to [0, 1];
- blur: a Gaussian of standard deviation t pixels, the border reflected;
- contrast: :math:`\bar X + t (X - \bar X)`, with :math:`\bar X` the mean of each
  channel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import torch
from torch import Tensor, nn
from torchvision.transforms.functional import gaussian_blur

from gradmask.lab.data.images import ImageSet, intensities
from gradmask.lab.measures.accuracy import evaluate

__all__ = ["CORRUPTIONS", "corrupt", "corrupted_accuracy"]

CORRUPTIONS: dict[str, tuple[float, ...]] = {
    "noise": (0.04, 0.08, 0.12, 0.16, 0.2),
    "blur": (0.4, 0.45, 0.5, 0.6, 0.7),
    "contrast": (0.95, 0.93, 0.9, 0.87, 0.84),
}
"""Strength s of every corruption at severities 1 ... 5."""


def corrupt(
    images: Tensor, kind: str, severity: int, *, generator: torch.Generator
) -> Tensor:
    """Corrupt images.

    Parameters
    ----------
    images : Tensor
        Shape (B, C, H, W), in [0, 1].
    kind : {"noise", "blur", "contrast"}
        Which corruption.
    severity : int
        From 1 to 5.
    generator : torch.Generator
        Of the noise; the others draw nothing.

    Returns
    -------
    Tensor
        New images of the same shape, in [0, 1].

    Raises
    ------
    ValueError
        If there is no such corruption or severity.

    Examples
    --------
    >>> image = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    >>> corrupt(image, "contrast", 2, generator=torch.Generator()).flatten()
    tensor([0.0350, 0.9650])
    """
    if kind not in CORRUPTIONS:
        raise ValueError(f"no corruption {kind!r}; there are {', '.join(CORRUPTIONS)}")
    if severity not in range(1, 6):
        raise ValueError(f"severity must be 1, 2, 3, 4 or 5, got {severity}")
    strength = CORRUPTIONS[kind][severity - 1]
    if kind == "noise":
        noise = torch.randn(
            images.shape,
            generator=generator,
            device=generator.device,
            dtype=images.dtype,
        )
        return (images + strength * noise.to(images.device)).clamp(0, 1)
    if kind == "blur":
        size = 2 * math.ceil(3 * strength) + 1
        blurred: Tensor = gaussian_blur(images, [size, size], [strength, strength])
        return blurred
    mean = images.mean((2, 3), keepdim=True)
    return mean + strength * (images - mean)


def corrupted_accuracy(
    model: nn.Module, images: ImageSet, severities: Sequence[int]
) -> float:
    """Mean accuracy over every corruption at every severity.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits.
    images : ImageSet
        What is corrupted; the noise of a severity is always the same.
    severities : sequence of int
        From 1 to 5.
    """
    accuracies, clean = [], intensities(images.images)
    for kind in CORRUPTIONS:
        for severity in severities:
            generator = torch.Generator().manual_seed(severity)
            changed = corrupt(clean, kind, severity, generator=generator)
            accuracies.append(evaluate(model, replace(images, images=changed)).accuracy)
    return fmean(accuracies)
