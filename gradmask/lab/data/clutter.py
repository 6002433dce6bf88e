"""An object among pieces of others: how hard, what goes where, and laying it out."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

SILHOUETTE = 0.05
"""Intensity above which a pixel of a resized image belongs to its object."""


@dataclass(frozen=True)
class Clutter:
    """How hard a scene is.

    Parameters
    ----------
    size : int, default 32
        Side of the scene, in pixels.
    object_size : int, default 18
        Side to which images are resized, in pixels; at most `size`.
    patches : int, default 6
        Number of distractor patches in each scene.
    patch_size : int, default 8
        Side of a patch, in pixels; at most `object_size`.
    noise : float, default 0.1
        Standard deviation of the Gaussian noise added to every pixel.

    Raises
    ------
    ValueError
        If a size is not positive or exceeds its limit, or `patches` or `noise` is
        negative or `noise` not finite.
    """

    size: int = 32
    object_size: int = 18
    patches: int = 6
    patch_size: int = 8
    noise: float = 0.1

    def __post_init__(self) -> None:
        if not 1 <= self.object_size <= self.size:
            raise ValueError(
                f"object_size must lie in 1..{self.size} (size), not {self.object_size}"
            )
        if not 1 <= self.patch_size <= self.object_size:
            raise ValueError(
                f"patch_size must lie in 1..{self.object_size} (object_size), "
                f"not {self.patch_size}"
            )
        if self.patches < 0:
            raise ValueError(f"patches must not be negative, is {self.patches}")
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"noise must be finite and >= 0, is {self.noise}")


class Layout(NamedTuple):
    """Everything random about N scenes of P patches, but the noise.

    Attributes
    ----------
    objects : Tensor of int64, shape (N,)
        Index of the image that is the object.
    corners : Tensor of int64, shape (N, 2)
        Top left (y, x) of the resized object in the scene.
    sources : Tensor of int64, shape (N, P)
        Index of the image that a patch is cut from.
    cuts : Tensor of int64, shape (N, P, 2)
        Top left (y, x) of the patch in its resized image.
    spots : Tensor of int64, shape (N, P, 2)
        Top left (y, x) of the patch in the scene.
    """

    objects: Tensor
    corners: Tensor
    sources: Tensor
    cuts: Tensor
    spots: Tensor


def resize(images: Tensor, side: int) -> Tensor:
    """Resize images, bilinearly and with antialiasing.

    Parameters
    ----------
    images : Tensor, shape (M, 1, H, W)
        Images.
    side : int
        Side L wanted, in pixels.

    Returns
    -------
    Tensor, shape (M, L, L)
        The images without their channel axis.
    """
    size = (side, side)
    return F.interpolate(images, size, mode="bilinear", antialias=True).squeeze(1)


def draw_layout(
    resized: Tensor, labels: Tensor, count: int, clutter: Clutter, generator: Generator
) -> Layout:
    """Draw what goes where in `count` scenes.

    Parameters
    ----------
    resized : Tensor, shape (M, L, L)
        Resized images, none of them empty.
    labels : Tensor of int64, shape (M,)
        Their classes.
    count : int
        Number of scenes.
    clutter : Clutter
        Difficulty.
    generator : Generator
        Source of randomness; advanced by the call.

    Returns
    -------
    Layout
        The draw.
    """
    order = _balanced_order(labels, generator)
    objects = order[torch.arange(count) % len(order)]
    room = clutter.size - clutter.object_size + 1
    corners = torch.randint(room, (count, 2), generator=generator)

    patches = (count, clutter.patches)
    others = max(len(labels) - 1, 1)
    steps = torch.randint(1, others + 1, patches, generator=generator)
    sources = (objects[:, None] + steps) % len(labels)
    centres = _silhouette_pixels(resized, sources, generator)
    cuts = (centres - clutter.patch_size // 2).clamp(
        0, clutter.object_size - clutter.patch_size
    )
    room = clutter.size - clutter.patch_size + 1
    spots = torch.randint(room, (*patches, 2), generator=generator)
    return Layout(objects, corners, sources, cuts, spots)


def compose(resized: Tensor, layout: Layout, clutter: Clutter) -> tuple[Tensor, Tensor]:
    """Lay patches and object of each scene on its canvas.

    Parameters
    ----------
    resized : Tensor, shape (M, L, L)
        Resized images.
    layout : Layout
        What goes where in N scenes.
    clutter : Clutter
        Difficulty; here, the sizes.

    Returns
    -------
    canvas : Tensor, shape (N, S, S)
        The scenes without noise.
    mask : Tensor of bool, shape (N, S, S)
        The objects' silhouettes.
    """
    count, size = len(layout.objects), clutter.size
    canvas = resized.new_zeros(count, size * size)
    rows, columns = _window(layout.cuts, clutter.patch_size)
    pieces = resized[layout.sources[..., None, None], rows, columns]
    rows, columns = _window(layout.spots, clutter.patch_size)
    places = (rows * size + columns).flatten(1)
    canvas.scatter_reduce_(1, places, pieces.flatten(1), "amax")

    own = resized[layout.objects].flatten(1)
    rows, columns = _window(layout.corners, clutter.object_size)
    places = (rows * size + columns).flatten(1)
    silhouette = own > SILHOUETTE
    beneath = canvas.gather(1, places)
    canvas.scatter_(1, places, torch.where(silhouette, own, beneath))
    mask = torch.zeros_like(canvas, dtype=torch.bool).scatter_(1, places, silhouette)
    return canvas.view(-1, size, size), mask.view(-1, size, size)


def _window(corners: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Rows (..., side, 1) and columns (..., 1, side) of squares at (..., 2)."""
    offsets = torch.arange(side)
    return (
        corners[..., 0, None, None] + offsets[:, None],
        corners[..., 1, None, None] + offsets,
    )


def _balanced_order(labels: Tensor, generator: Generator) -> Tensor:
    """Random order whose every beginning is as balanced as the classes allow."""
    shuffled = torch.randperm(len(labels), generator=generator)
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    sizes = labels.bincount()
    first = (sizes.cumsum(0) - sizes)[labels[by_class]]
    rank = torch.arange(len(labels)) - first
    tie = torch.rand(len(labels), generator=generator, dtype=torch.float64)
    return by_class[(rank + tie).argsort()]


def _silhouette_pixels(
    resized: Tensor, sources: Tensor, generator: Generator
) -> Tensor:
    """Draw one (y, x) of the silhouette of each source, uniformly: (..., 2)."""
    silhouettes = resized > SILHOUETTE
    pixels = silhouettes.nonzero()[:, 1:]
    sizes = silhouettes.flatten(1).sum(1)
    first = sizes.cumsum(0) - sizes
    draw = torch.rand(sources.shape, generator=generator, dtype=torch.float64)
    return pixels[first[sources] + (draw * sizes[sources]).long()]
