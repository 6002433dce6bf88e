"""Backgrounds that show a class: a shortcut that holds in training, then misleads."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Generator, Tensor

from gradmask.lab.data.scenes import Scenes

__all__ = ["misleading", "shown_classes", "stripe_response", "striped"]


def striped(
    scenes: Scenes, classes: Tensor, *, strength: float = 0.1, period: float = 4
) -> Scenes:
    r"""Lay stripes behind the objects, whose direction shows a class.

    To every pixel outside the object is added
    :math:`h (1 + \sin(2 \pi (x \cos \phi + y \sin \phi) / \ell))`, with
    :math:`\phi = \pi j / 10` for class j.  The sum is clamped to [0, 1].

    Parameters
    ----------
    scenes : Scenes
        The scenes.
    classes : Tensor of int64, shape (N,)
        What the stripes show, 0 to 9.
    strength : float, default 0.1
        h, in units of intensity.
    period : float, default 4
        :math:`\ell`, from one stripe to the next, in pixels.

    Returns
    -------
    Scenes
        The same scenes before stripes.
    """
    angle = classes[:, None, None] * (math.pi / 10)
    side = torch.arange(scenes.images.shape[-1], dtype=torch.float32)
    along = side * angle.cos() + side[:, None] * angle.sin()
    stripes = strength * (1 + torch.sin(along * (2 * math.pi / period)))
    images = scenes.images + (stripes * ~scenes.mask)[:, None]
    return replace(scenes, images=images.clamp(0, 1))


def shown_classes(labels: Tensor, agreement: float, *, seed: int) -> Tensor:
    """Draw what backgrounds show: the class of the object, or another one.

    Parameters
    ----------
    labels : Tensor of int64, shape (N,)
        Classes of the objects, 0 to 9.
    agreement : float
        In what share of the scenes the object's own class is shown, from 0 to 1; in the
        others it is one of the nine others.
    seed : int
        Of the draw.

    Returns
    -------
    Tensor of int64, shape (N,)
        Classes.

    Raises
    ------
    ValueError
        If `agreement` is no share.
    """
    if not 0 <= agreement <= 1:
        raise ValueError(f"agreement must lie in 0..1, is {agreement}")
    generator = Generator().manual_seed(seed)
    agrees = torch.rand(len(labels), generator=generator) < agreement
    steps = torch.randint(1, 10, labels.shape, generator=generator)
    return torch.where(agrees, labels, (labels + steps) % 10)


def misleading(scenes: Scenes, agreement: float, *, seed: int) -> Scenes:
    """Lay stripes behind the objects that show their class, or another.

    Parameters
    ----------
    scenes : Scenes
        The scenes.
    agreement, seed
        As for :func:`shown_classes`.

    Returns
    -------
    Scenes
        The scenes before stripes.

    Raises
    ------
    ValueError
        If `agreement` is no share.
    """
    return striped(scenes, shown_classes(scenes.labels, agreement, seed=seed))


def stripe_response(sigma: float, period: float) -> float:
    r"""How strongly a Laplacian of Gaussian answers to stripes, from 0 to 1.

    .. math:: h = \frac{u^2}{2} \exp\Big(1 - \frac{u^2}{2}\Big),
              \qquad u = 2 \pi \sigma / \ell,

    the kernel's gain for a wave over its gain for the wave that it answers best, with
    :math:`\ell = \sqrt 2 \pi \sigma`.

    Parameters
    ----------
    sigma : float
        Of the kernel, in pixels.
    period : float
        :math:`\ell`, from one stripe to the next, in pixels.

    References
    ----------
    Marr and Hildreth, *Theory of edge detection*, Proceedings of the Royal Society B,
    1980.
    """
    square = (2 * math.pi * sigma / period) ** 2
    return square / 2 * math.exp(1 - square / 2)
