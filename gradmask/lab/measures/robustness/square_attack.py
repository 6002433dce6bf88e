"""The square attack, which sees logits and no gradient: random search."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gradmask.lab.measures.robustness.attacks import ball, uniform
from gradmask.lab.networks.inspection import evaluation_copy

__all__ = ["square_attack"]

_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


@torch.no_grad()
def square_attack(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    *,
    queries: int = 500,
    generator: torch.Generator,
) -> Tensor:
    r"""Square attack: random search with squares, which sees logits and no gradient.

    The search starts from vertical stripes of :math:`\pm\epsilon`.  A query adds
    :math:`\pm 2\epsilon` in a square at a random place, projects onto the ball, and is
    kept where it lowers the margin, the logit of the label over the largest other one.
    The squares shrink as in the original.

    Parameters
    ----------
    model, images, labels, epsilon
        As for :func:`fgsm`.
    queries : int, default 500
        Squares tried; an image is done as soon as its margin is negative.
    generator : torch.Generator
        Of stripes and squares; all images share the squares.

    Returns
    -------
    Tensor
        Adversarial images: those of the smallest margin found.

    Raises
    ------
    ValueError
        If epsilon is negative or an image leaves [0, 1].

    References
    ----------
    Andriushchenko et al., *Square attack: a query-efficient black-box adversarial
    attack via random search*, ECCV 2020.
    """
    low, high = ball(images, epsilon)
    victim = evaluation_copy(model)
    channels, height, width = images.shape[1:]
    stripes = _signs((len(images), channels, 1, width), images, generator)
    best = (images + epsilon * stripes).clamp(low, high)
    margin = _margin(victim, best, labels)
    for query in range(queries):
        standing = (margin >= 0).nonzero().flatten()
        if len(standing) == 0:
            break
        share = 0.8 / 2 ** bisect_left(_HALVINGS, query)
        side = max(1, min(height, width, round(math.sqrt(share * height * width))))
        top, left = (
            int(uniform((), images, generator) * (extent - side + 1))
            for extent in (height, width)
        )
        proposed = best[standing]
        patch = proposed[..., top : top + side, left : left + side]
        patch += 2 * epsilon * _signs((channels, 1, 1), images, generator)
        proposed = proposed.clamp(low[standing], high[standing])
        reached = _margin(victim, proposed, labels[standing])
        better = reached < margin[standing]
        best[standing[better]] = proposed[better]
        margin[standing[better]] = reached[better]
    return best


def _margin(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    logits: Tensor = model(images)
    own = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -math.inf)
    return (own - others.amax(1, keepdim=True))[:, 0]


def _signs(shape: Sequence[int], like: Tensor, generator: torch.Generator) -> Tensor:
    return 2 * (uniform(shape, like, generator) < 0.5).to(like.dtype) - 1
