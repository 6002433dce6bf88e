"""Boxes around salient pixels, and how well a saliency map finds an object."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["box_iou", "energy_in_box", "saliency_box"]


def saliency_box(saliency: Tensor, share: float = 0.15) -> Tensor:
    """Smallest box around the most salient pixels.

    Parameters
    ----------
    saliency : Tensor
        Maps of shape (B, H, W).
    share : float, default 0.15
        The share of the pixels that count as most salient, in (0, 1]; at least one
        pixel.  Pixels equal to the last of them count, too, but those at the map's
        minimum never do, unless the map is constant: then the box is the whole image.

    Returns
    -------
    Tensor
        Boxes (x0, y0, x1, y1), half-open, of shape (B, 4), int64.

    Raises
    ------
    ValueError
        If saliency is not of shape (B, H, W), without pixels or not finite, or share
        is outside (0, 1].

    Examples
    --------
    >>> saliency = torch.zeros(1, 6, 6)
    >>> saliency[0, 2, 3:5] = 1
    >>> saliency_box(saliency)
    tensor([[3, 2, 5, 3]])
    """
    _check_maps(saliency)
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in (0, 1], got {share}")
    if len(saliency) == 0:
        return saliency.new_zeros(0, 4, dtype=torch.int64)
    pixels = saliency.flatten(1)
    if pixels.shape[1] == 0 or not pixels.isfinite().all():
        raise ValueError(f"saliency must be finite and have pixels, got {saliency}")
    count = max(1, round(share * pixels.shape[1]))
    last = pixels.topk(count).values[:, -1:]
    lowest = pixels.amin(1, keepdim=True)
    salient = ((pixels >= last) & (pixels > lowest)).view_as(saliency)
    (x0, x1), (y0, y1) = _extent(salient.any(1)), _extent(salient.any(2))
    return torch.stack([x0, y0, x1, y1], 1)


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of pairs of boxes.

    Parameters
    ----------
    a, b : Tensor
        Boxes (x0, y0, x1, y1), half-open, of shape (B, 4).

    Returns
    -------
    Tensor
        Of shape (B,), floating point; zero for a pair of empty boxes.

    Raises
    ------
    ValueError
        If the shapes are not the same (B, 4), or a box ends before it starts.

    Examples
    --------
    >>> box_iou(torch.tensor([[0, 0, 2, 2]]), torch.tensor([[1, 0, 3, 2]]))
    tensor([0.3333])
    """
    _check_boxes("a", a)
    _check_boxes("b", b)
    if a.shape != b.shape:
        raise ValueError(f"as many boxes are needed, got {len(a)} and {len(b)}")
    start, end = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    common = (end - start).clamp(min=0).prod(1)
    union = sum((box[:, 2:] - box[:, :2]).prod(1) for box in (a, b)) - common
    return torch.where(union > 0, common / union, 0.0)


def energy_in_box(saliency: Tensor, box: Tensor) -> Tensor:
    """Share of the saliency that lies inside a box: the energy-based pointing game.

    Parameters
    ----------
    saliency : Tensor
        Maps of shape (B, H, W), not negative.
    box : Tensor
        Boxes (x0, y0, x1, y1), half-open, of shape (B, 4), in pixels.

    Returns
    -------
    Tensor
        Of shape (B,), in [0, 1]; nan for a map of zeros.

    Raises
    ------
    ValueError
        If the shapes do not fit, a value is negative, or a box ends before it starts.

    References
    ----------
    Wang et al., *Score-CAM*, CVPR workshops 2020, arXiv:1910.01279.

    Examples
    --------
    >>> saliency = torch.tensor([[[3.0, 1.0], [0.0, 0.0]]])
    >>> energy_in_box(saliency, torch.tensor([[0, 0, 1, 2]]))
    tensor([0.7500])
    """
    _check_maps(saliency)
    _check_boxes("box", box)
    if len(box) != len(saliency):
        raise ValueError(f"got {len(saliency)} maps and {len(box)} boxes")
    if (saliency < 0).any():
        raise ValueError("saliency must not be negative")
    x0, y0, x1, y1 = box[:, :, None].unbind(1)
    column, row = (torch.arange(n, device=box.device) for n in saliency.shape[:0:-1])
    columns, rows = (column >= x0) & (column < x1), (row >= y0) & (row < y1)
    inside = rows[:, :, None] & columns[:, None, :]
    return (saliency * inside).sum((1, 2)) / saliency.sum((1, 2))


def _extent(present: Tensor) -> tuple[Tensor, Tensor]:
    """First and one past the last True of every row (B, n); all of it without any."""
    first = present.int().argmax(1)
    return first, present.shape[1] - present.flip(1).int().argmax(1)


def _check_maps(saliency: Tensor) -> None:
    if saliency.dim() != 3:
        raise ValueError(
            f"saliency must have shape (B, H, W), got {tuple(saliency.shape)}"
        )


def _check_boxes(name: str, boxes: Tensor) -> None:
    if boxes.dim() != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name} must have shape (B, 4), got {tuple(boxes.shape)}")
    if (boxes[:, 2:] < boxes[:, :2]).any():
        raise ValueError(f"{name} holds a box that ends before it starts")
