r"""Mixing the images of a batch: augmentations, and where a map can guide them.

Every function takes images (B, 1, H, W), their labels (B,) and a generator.  Each image
gets a partner from the same batch, all of them a permutation, and it returns the mixed
images and their soft targets (B, 10), each of which sums to one.  A ValueError says that
shapes do not fit.  The global random state is neither read nor changed.

A share :math:`\lambda` is drawn for every image, uniformly from [0, 1]: the
Beta(1, 1) with which the papers train on CIFAR-10.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from gradmask.lab.data import CLASSES

__all__ = [
    "cutmix",
    "mixup",
    "moved",
    "paste_random",
    "paste_salient",
    "replace_background",
]

Mixed = tuple[Tensor, Tensor]


def mixup(images: Tensor, labels: Tensor, generator: Generator) -> Mixed:
    r"""Average every image with its partner, and the labels alike.

    .. math:: x' = \lambda x_i + (1 - \lambda) x_j, \quad
              y' = \lambda y_i + (1 - \lambda) y_j

    References
    ----------
    Zhang et al., *mixup: beyond empirical risk minimization*, ICLR 2018,
    arXiv:1710.09412.
    """
    other = _partners(images, labels, generator)
    share = _uniform(images, generator)
    kept = share[:, None, None, None]
    return kept * images + (1 - kept) * images[other], _targets(labels, other, share)


def cutmix(images: Tensor, labels: Tensor, generator: Generator) -> Mixed:
    r"""Paste a box of the partner, centred anywhere and clipped at the edge.

    Its sides are :math:`\sqrt{1 - \lambda}` of the image's; what is left of the image
    is its share of the target.

    References
    ----------
    Yun et al., *CutMix: regularization strategy to train strong classifiers with
    localizable features*, ICCV 2019, arXiv:1905.04899.
    """
    other = _partners(images, labels, generator)
    size, sides = _size(images), _sides(images, generator)
    start = _anywhere(images, generator) - sides // 2
    ends = torch.minimum(start + sides, size)
    boxes = torch.cat([start.clamp(min=0), ends], 1)
    return _paste(images, labels, boxes, other)


def paste_random(images: Tensor, labels: Tensor, generator: Generator) -> Mixed:
    """Paste a box of the partner from anywhere, to where it was there.

    The control of :func:`paste_salient`: from the same state of the generator come the
    same partners and boxes of the same size.
    """
    other = _partners(images, labels, generator)
    sides = _sides(images, generator)
    boxes = _within(_anywhere(images, generator), sides, _size(images))
    return _paste(images, labels, boxes, other)


def paste_salient(
    images: Tensor, labels: Tensor, saliency: Tensor, generator: Generator
) -> Mixed:
    """Paste a box around the partner's most salient pixel, to where it was there.

    Sides and targets are those of :func:`cutmix`, but that a box which crosses the edge
    is shifted inwards, not clipped: the map decides where, never how much.

    Parameters
    ----------
    images, labels, generator
        As for all.
    saliency : Tensor
        Maps of the images, of shape (B, H, W).

    Raises
    ------
    ValueError
        If the maps do not fit the images.

    References
    ----------
    Uddin et al., *SaliencyMix: a saliency guided data augmentation strategy for better
    regularization*, ICLR 2021, arXiv:2006.01791.
    """
    other = _partners(images, labels, generator)
    if saliency.shape != images[:, 0].shape:
        raise ValueError(
            f"saliency must have shape {tuple(images[:, 0].shape)}, got "
            f"{tuple(saliency.shape)}"
        )
    width = images.shape[3]
    peaks = saliency.flatten(1).argmax(1)[other]
    centres = torch.stack([peaks % width, peaks // width], 1)
    boxes = _within(centres, _sides(images, generator), _size(images))
    return _paste(images, labels, boxes, other)


def replace_background(
    images: Tensor, labels: Tensor, boxes: Tensor, generator: Generator
) -> Mixed:
    """Take everything outside a box from the partner; the label stays.

    Parameters
    ----------
    images, labels, generator
        As for all.
    boxes : Tensor of int64, shape (B, 4)
        What is kept: (x0, y0, x1, y1), half-open, in pixels.

    Raises
    ------
    ValueError
        If there are not as many boxes as images.
    """
    other = _partners(images, labels, generator)
    if boxes.shape != (len(images), 4):
        raise ValueError(
            f"boxes must have shape ({len(images)}, 4), got {tuple(boxes.shape)}"
        )
    mixed = torch.where(_inside(images, boxes), images, images[other])
    return mixed, _one_hot(labels).to(images.dtype)


def moved(boxes: Tensor, size: tuple[int, int], generator: Generator) -> Tensor:
    """Put boxes anywhere in an image, their sides as they are.

    Parameters
    ----------
    boxes : Tensor of int64, shape (B, 4)
        Boxes (x0, y0, x1, y1), half-open, no larger than the image.
    size : tuple of int
        (H, W) of the image.
    generator : Generator
        Source of randomness.

    Returns
    -------
    Tensor of int64, shape (B, 4)
        Boxes, every place where they fit being as likely.
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    room = torch.tensor(size[::-1], device=boxes.device) - sides + 1
    draw = torch.rand(sides.shape, generator=generator, dtype=torch.float64)
    start = (draw.to(boxes.device) * room).long()
    return torch.cat([start, start + sides], 1)


def _partners(images: Tensor, labels: Tensor, generator: Generator) -> Tensor:
    if images.dim() != 4:
        raise ValueError(
            f"images must have shape (B, C, H, W), got {tuple(images.shape)}"
        )
    if labels.shape != images.shape[:1]:
        raise ValueError(f"got {len(images)} images and labels {tuple(labels.shape)}")
    return torch.randperm(len(images), generator=generator).to(images.device)


def _uniform(images: Tensor, generator: Generator) -> Tensor:
    return torch.rand(len(images), generator=generator).to(images)


def _size(images: Tensor) -> Tensor:
    """Width and height, in the order of a box's coordinates."""
    return torch.tensor(images.shape[:1:-1], device=images.device)


def _sides(images: Tensor, generator: Generator) -> Tensor:
    """Width and height of every box, (B, 2), at least a pixel."""
    share = (1 - _uniform(images, generator)).sqrt()
    return (share[:, None] * _size(images)).round().long().clamp(min=1)


def _anywhere(images: Tensor, generator: Generator) -> Tensor:
    draw = torch.rand((len(images), 2), generator=generator).to(images.device)
    return (draw * _size(images)).long()


def _within(centres: Tensor, sides: Tensor, size: Tensor) -> Tensor:
    """Boxes about the centres, shifted to lie inside the image."""
    start = torch.minimum((centres - sides // 2).clamp(min=0), size - sides)
    return torch.cat([start, start + sides], 1)


def _inside(images: Tensor, boxes: Tensor) -> Tensor:
    """True on the pixels of the boxes, (B, 1, H, W)."""
    x0, y0, x1, y1 = boxes[:, :, None].unbind(1)
    row, column = (torch.arange(n, device=boxes.device) for n in images.shape[2:])
    rows, columns = (row >= y0) & (row < y1), (column >= x0) & (column < x1)
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def _paste(images: Tensor, labels: Tensor, boxes: Tensor, other: Tensor) -> Mixed:
    inside = _inside(images, boxes)
    mixed = torch.where(inside, images[other], images)
    return mixed, _targets(labels, other, 1 - inside.to(images).mean((1, 2, 3)))


def _one_hot(labels: Tensor) -> Tensor:
    return F.one_hot(labels, len(CLASSES))


def _targets(labels: Tensor, other: Tensor, share: Tensor) -> Tensor:
    own, kept = _one_hot(labels).to(share), share[:, None]
    return kept * own + (1 - kept) * own[other]
