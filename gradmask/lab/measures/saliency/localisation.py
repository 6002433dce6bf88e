"""How well saliency maps find the object of an image: measures of each image alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gradmask.lab.measures.energy import energy_share
from gradmask.lab.networks.inspection import evaluation_copy
from gradmask.saliency import box_iou, energy_in_box, saliency_box

__all__ = [
    "SHARES",
    "eligible",
    "iou_over_shares",
    "localisation",
    "pointing",
]

SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
"""Shares of the pixels that count as salient where an average over shares is taken."""


@torch.no_grad()
def eligible(
    model: nn.Module, images: Tensor, labels: Tensor, box: Tensor, largest: float = 0.5
) -> Tensor:
    """Say which images a localisation is measured on.

    Those whose class the network gets right, and whose object leaves room to miss it.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits; it is copied, and left as it is.
    images, labels, box : Tensor
        Of shapes (N, C, H, W), (N,) and (N, 4), as of
        :class:`gradmask.lab.data.scenes.Scenes`.
    largest : float, default 0.5
        Largest share of an image that its box may cover.

    Returns
    -------
    Tensor of bool, shape (N,)

    References
    ----------
    The protocol of the companion code of Jiang et al., arXiv:2208.06918.
    """
    right: Tensor = evaluation_copy(model)(images).argmax(1) == labels
    height, width = images.shape[2:]
    area = (box[:, 2:] - box[:, :2]).prod(1)
    return right & (area <= largest * height * width)


def localisation(
    saliency: Tensor, box: Tensor, mask: Tensor | None = None, *, tolerance: int = 0
) -> dict[str, Tensor]:
    """Measure how well maps find their objects; in every measure, more is better.

    A map that is zero everywhere says nothing, and counts as a uniform one.

    Parameters
    ----------
    saliency : Tensor
        Maps of shape (N, H, W), not negative.
    box : Tensor
        Boxes (x0, y0, x1, y1), half-open, of shape (N, 4), in pixels.
    mask : Tensor of bool, optional
        Shape (N, H, W), true on the object.
    tolerance : int, default 0
        Of the pointing game, in pixels.

    Returns
    -------
    dict of str to Tensor of shape (N,)
        "iou" of the box around the 15 % most salient pixels, "mean iou" over
        `SHARES`, "pointing" (:func:`pointing`), "energy in box"
        (:func:`gradmask.saliency.energy_in_box`) and, with a mask, "energy on object"
        (:func:`gradmask.lab.measures.energy.energy_share`).
    """
    nothing = (saliency == 0).all(2).all(1)
    saliency = torch.where(nothing[:, None, None], 1.0, saliency)
    found = {
        "iou": box_iou(saliency_box(saliency), box),
        "mean iou": iou_over_shares(saliency, box).mean(1),
        "pointing": pointing(saliency, box, tolerance),
        "energy in box": energy_in_box(saliency, box),
    }
    if mask is not None:
        found["energy on object"] = energy_share(saliency, mask)
    return found


def iou_over_shares(
    saliency: Tensor, box: Tensor, shares: Sequence[float] = SHARES
) -> Tensor:
    """Intersection over union of the object's box and that of the most salient pixels.

    Returns
    -------
    Tensor
        Of shape (N, number of shares), in [0, 1].
    """
    overlaps = [box_iou(saliency_box(saliency, share), box) for share in shares]
    return torch.stack(overlaps, 1)


def pointing(saliency: Tensor, box: Tensor, tolerance: int = 0) -> Tensor:
    """Pointing game: whether the maximum of a map lies in the box of the object.

    Parameters
    ----------
    saliency, box : Tensor
        As for :func:`localisation`.
    tolerance : int, default 0
        By how many pixels the box is enlarged on each side.  The game's authors allow
        15 in photographs.

    Returns
    -------
    Tensor
        Of shape (N,), in [0, 1]: where several pixels share the maximum, the share of
        them that lie in the box.

    References
    ----------
    Zhang et al., *Top-down neural attention by excitation backprop*, IJCV 2018.
    """
    highest = (saliency == saliency.amax((1, 2), keepdim=True)).to(saliency)
    slack = torch.tensor([-tolerance, -tolerance, tolerance, tolerance])
    return energy_in_box(highest, box + slack.to(box))
