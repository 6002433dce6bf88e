"""Cluttered scenes: one object on a canvas strewn with pieces of other objects."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from gradmask.lab.data.clutter import SILHOUETTE, Clutter, compose, draw_layout, resize
from gradmask.lab.data.fashion import FashionMNIST
from gradmask.lab.data.images import ImageSet

__all__ = [
    "STANDARD",
    "Clutter",
    "SceneSplits",
    "Scenes",
    "cluttered_scenes",
    "scene_splits",
    "tight_box",
]

STANDARD = Clutter()
"""The default difficulty."""


@dataclass(frozen=True, eq=False, repr=False)
class Scenes(ImageSet):
    """Scenes of side S with the truth about where their object is.

    Attributes
    ----------
    images : Tensor of float32, shape (N, 1, S, S)
        Intensities in [0, 1].
    labels : Tensor of int64, shape (N,)
        Class of the object.
    mask : Tensor of bool, shape (N, S, S)
        True on the pixels of the object.
    box : Tensor of int64, shape (N, 4)
        Tight box (x0, y0, x1, y1) of the mask, in pixels; x1 and y1 excluded.
    """

    mask: Tensor
    box: Tensor


class SceneSplits(NamedTuple):
    """Scenes that share neither objects nor distractors between splits."""

    train: Scenes
    validation: Scenes
    test: Scenes


def cluttered_scenes(
    objects: ImageSet, count: int, *, seed: int, clutter: Clutter = STANDARD
) -> Scenes:
    """Make scenes of one object among patches of other objects.

    On a black canvas lie patches cut from other images of the same split, where
    they overlap the brighter pixel winning. Each is centred, as far as its image's
    edge allows, on a random pixel of that image's silhouette, so that none is
    empty. The pixels of the object's own silhouette cover them. Gaussian noise
    comes last, and the sum is clamped to [0, 1]. Objects and distractors are
    resized alike: scale does not distinguish them.

    Every run of the first k scenes is balanced over the classes as far as the
    split allows, and no object comes back before all have been used. Scenes with
    the same seed and count but another `patches`, `patch_size` or `noise` show the
    same objects at the same places. The first k scenes of a larger `count` are not
    those of a smaller one. The global random state is neither read nor changed.

    Parameters
    ----------
    objects : ImageSet
        Images to take objects and distractors from; at least two if there are
        patches. Their sides may differ from 28 pixels.
    count : int
        Number of scenes N, at least 1.
    seed : int
        Seed of all that is random here.
    clutter : Clutter, default ``Clutter()``
        Difficulty.

    Returns
    -------
    Scenes
        N scenes.

    Raises
    ------
    ValueError
        If `count` is not positive, the split has too few images, or an image has
        no pixel brighter than `SILHOUETTE` once resized.

    Examples
    --------
    >>> from gradmask.lab.data.fashion import load_fashion_mnist
    >>> scenes = cluttered_scenes(load_fashion_mnist().test, 10, seed=0)
    >>> scenes.images.shape, sorted(scenes.labels.tolist())
    (torch.Size([10, 1, 32, 32]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, is {count}")
    available, needed = len(objects.labels), 2 if clutter.patches else 1
    if available < needed:
        raise ValueError(f"the split has {available} images; at least {needed} needed")
    resized = resize(objects.images, clutter.object_size)
    empty = (resized <= SILHOUETTE).flatten(1).all(1)
    if empty.any():
        raise ValueError(f"image {int(empty.nonzero()[0])} of the split is empty")
    generator = Generator().manual_seed(seed)
    layout = draw_layout(resized, objects.labels, count, clutter, generator)
    canvas, mask = compose(resized, layout, clutter)
    noise = torch.randn(canvas.shape, generator=generator) * clutter.noise
    images = (canvas + noise).clamp_(0, 1)[:, None]
    return Scenes(images, objects.labels[layout.objects], mask, tight_box(mask))


def scene_splits(
    data: FashionMNIST,
    train: int,
    validation: int = 1000,
    test: int = 1000,
    *,
    seed: int = 0,
    clutter: Clutter = STANDARD,
) -> SceneSplits:
    """Make scenes to train on, to validate with and to test on.

    Parameters
    ----------
    data : FashionMNIST
        Each split gives the objects and distractors of its own scenes.
    train : int
        Number of training scenes.
    validation, test : int, default 1000
        Numbers of the others.
    seed : int, default 0
        Seed of the three.
    clutter : Clutter, default ``Clutter()``
        Difficulty of the three.

    Returns
    -------
    SceneSplits
        The three sets of scenes.

    Raises
    ------
    ValueError
        As `cluttered_scenes`.
    """
    return SceneSplits(
        cluttered_scenes(data.train, train, seed=3 * seed, clutter=clutter),
        cluttered_scenes(
            data.validation, validation, seed=3 * seed + 1, clutter=clutter
        ),
        cluttered_scenes(data.test, test, seed=3 * seed + 2, clutter=clutter),
    )


def tight_box(mask: Tensor) -> Tensor:
    """Find the smallest boxes that hold masks.

    Parameters
    ----------
    mask : Tensor of bool, shape (N, H, W)
        Masks, none of them empty.

    Returns
    -------
    Tensor of int64, shape (N, 4)
        Boxes (x0, y0, x1, y1), in pixels; x1 and y1 excluded.
    """
    sides = []
    for along in (mask.any(1), mask.any(2)):
        hit = along.to(torch.uint8)
        sides.append((hit.argmax(1), hit.shape[1] - hit.flip(1).argmax(1)))
    (x0, x1), (y0, y1) = sides
    return torch.stack([x0, y0, x1, y1], 1)
