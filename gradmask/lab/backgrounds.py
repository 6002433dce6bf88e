"""Backgrounds that tell a class: a shortcut that holds in training, then misleads."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from gradmask.lab.scenes import Scenes

__all__ = ["misleading", "striped"]


def striped(scenes: Scenes, classes: Tensor, *, strength: float = 0.1) -> Scenes:
    r"""Lay stripes behind the objects, whose direction tells a class.

    To every pixel beside the object is added
    :math:`s (1 + \sin(\pi (x \cos \phi + y \sin \phi) / 2))`, with
    :math:`\phi = \pi c / 10` for class c: stripes 4 pixels apart.  The sum is clamped
    to [0, 1].

    Parameters
    ----------
    scenes : Scenes
        The scenes.
    classes : Tensor of int64, shape (N,)
        What the stripes tell, 0 to 9.
    strength : float, default 0.1
        s, in units of intensity.

    Returns
    -------
    Scenes
        The same scenes before stripes.
    """
    angle = classes[:, None, None] * (math.pi / 10)
    side = torch.arange(scenes.images.shape[-1], dtype=torch.float32)
    along = side * angle.cos() + side[:, None] * angle.sin()
    stripes = strength * (1 + torch.sin(along * (math.pi / 2)))
    images = scenes.images + (stripes * ~scenes.mask)[:, None]
    return scenes._replace(images=images.clamp(0, 1))


def misleading(scenes: Scenes, agreement: float, *, seed: int) -> Scenes:
    """Lay stripes behind the objects that tell their class, or another.

    Parameters
    ----------
    scenes : Scenes
        The scenes.
    agreement : float
        In what share of the scenes the stripes tell the object's class, from 0 to 1;
        in the others they tell one of the nine others.
    seed : int
        Of the draw.

    Returns
    -------
    Scenes
        The scenes before stripes.

    Raises
    ------
    ValueError
        If `agreement` is no share.
    """
    if not 0 <= agreement <= 1:
        raise ValueError(f"agreement must lie in 0..1, is {agreement}")
    generator = Generator().manual_seed(seed)
    agrees = torch.rand(len(scenes.labels), generator=generator) < agreement
    steps = torch.randint(1, 10, scenes.labels.shape, generator=generator)
    others = (scenes.labels + steps) % 10
    return striped(scenes, torch.where(agrees, scenes.labels, others))
