r"""Mixing the images of a batch: augmentations, and where a map can guide them.

Every function takes images (B, 1, H, W), their labels (B,) and a generator.  Each image
gets a partner from the same batch, all of them a permutation, and it returns the mixed
images and their soft targets (B, 10), each of which sums to one.  Shapes that do not
fit raise a ValueError.  The global random state is neither read nor changed.

A share :math:`\beta` is drawn for every image, uniformly from [0, 1]: the
Beta(1, 1) with which the papers train on CIFAR-10.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from gradmask.lab.data.fashion import CLASSES

__all__ = ["anywhere", "cutmix", "mixup", "paste", "peaks", "replace_background"]

Mixed = tuple[Tensor, Tensor]


def mixup(images: Tensor, labels: Tensor, generator: Generator) -> Mixed:
    r"""Average every image with its partner, and the labels alike.

    .. math:: X' = \beta X_i + (1 - \beta) X_j, \quad
              y' = \beta y_i + (1 - \beta) y_j

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

    Its sides are :math:`\sqrt{1 - \beta}` of the image's; what is left of the image
    is its share of the target.

    References
    ----------
    Yun et al., *CutMix: regularization strategy to train strong classifiers with
    localizable features*, ICCV 2019, arXiv:1905.04899.
    """
    other = _partners(images, labels, generator)
    size, sides = _size(images), _sides(images, generator)
    start = anywhere(images, generator) - sides // 2
    ends = torch.minimum(start + sides, size)
    boxes = torch.cat([start.clamp(min=0), ends], 1)
    return _paste(images, labels, boxes, other)


def paste(
    images: Tensor, labels: Tensor, centres: Tensor, generator: Generator
) -> Mixed:
    """Paste a box of the partner from about its centre, to where it was there.

    Sides and targets are those of :func:`cutmix`, but that a box which crosses the edge
    is shifted inwards, not clipped: the centres decide where, never how much.  With the
    :func:`peaks` of saliency maps this is SaliencyMix; :func:`anywhere` is its control.

    Parameters
    ----------
    images, labels, generator
        As for all.
    centres : Tensor of int64, shape (B, 2)
        For every image the pixel (x, y) about which its box lies.

    References
    ----------
    Uddin et al., *SaliencyMix: a saliency guided data augmentation strategy for better
    regularization*, ICLR 2021, arXiv:2006.01791.
    """
    other = _partners(images, labels, generator)
    _check_centres(images, centres)
    boxes = _about(images, centres[other], _sides(images, generator))
    return _paste(images, labels, boxes, other)


def replace_background(
    images: Tensor, labels: Tensor, centres: Tensor, side: int, generator: Generator
) -> Mixed:
    """Keep a square, and take everything around it from the partner; the label stays.

    Parameters
    ----------
    images, labels, generator
        As for all.
    centres : Tensor of int64, shape (B, 2)
        For every image the pixel (x, y) about which the square lies; one that crosses
        the edge is shifted inwards.
    side : int
        Of the square, in pixels; at most the image's.

    Raises
    ------
    ValueError
        If the square does not fit into the image.
    """
    other = _partners(images, labels, generator)
    _check_centres(images, centres)
    if not 1 <= side <= min(images.shape[2:]):
        raise ValueError(f"a square of side {side} does not fit {_size(images)}")
    boxes = _about(images, centres, torch.full_like(centres, side))
    mixed = torch.where(_inside(images, boxes), images, images[other])
    return mixed, _one_hot(labels).to(images.dtype)


def peaks(saliency: Tensor) -> Tensor:
    """Find the most salient pixel (x, y) of maps (B, H, W), the middle of a flat one.

    Returns
    -------
    Tensor of int64, shape (B, 2)
        Of several pixels that are equally salient, one.
    """
    _, height, width = saliency.shape
    highest, index = saliency.flatten(1).max(1)
    flat = highest == saliency.amin((1, 2))
    index = torch.where(flat, (height // 2) * width + width // 2, index)
    return torch.stack([index % width, index // width], 1)


def anywhere(images: Tensor, generator: Generator) -> Tensor:
    """Draw a pixel (x, y) of every image, each as likely, of shape (B, 2)."""
    draw = torch.rand((len(images), 2), generator=generator).to(images.device)
    return (draw * _size(images)).long()


def _partners(images: Tensor, labels: Tensor, generator: Generator) -> Tensor:
    if images.dim() != 4:
        raise ValueError(
            f"images must have shape (B, C, H, W), got {tuple(images.shape)}"
        )
    if labels.shape != images.shape[:1]:
        raise ValueError(f"got {len(images)} images and labels {tuple(labels.shape)}")
    return torch.randperm(len(images), generator=generator).to(images.device)


def _check_centres(images: Tensor, centres: Tensor) -> None:
    if centres.shape != (len(images), 2):
        raise ValueError(
            f"centres must have shape ({len(images)}, 2), got {tuple(centres.shape)}"
        )


def _uniform(images: Tensor, generator: Generator) -> Tensor:
    return torch.rand(len(images), generator=generator).to(images)


def _size(images: Tensor) -> Tensor:
    """Width and height, in the order of a box's coordinates."""
    return torch.tensor(images.shape[:1:-1], device=images.device)


def _sides(images: Tensor, generator: Generator) -> Tensor:
    """Width and height of every box, (B, 2), at least a pixel."""
    share = (1 - _uniform(images, generator)).sqrt()
    return (share[:, None] * _size(images)).round().long().clamp(min=1)


def _about(images: Tensor, centres: Tensor, sides: Tensor) -> Tensor:
    """Boxes about the centres, shifted to lie inside the image."""
    start = (centres - sides // 2).clamp(min=0)
    start = torch.minimum(start, _size(images) - sides)
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
