r"""Attacks: the worst that an image can be changed to within a small distance.

An adversarial image lies in :math:`[0, 1]` and differs from the original by at most
epsilon at any pixel.  Every attack has the same form: it takes a classifier, images in
[0, 1], their labels and epsilon, and returns changed images.

What is attacked is a copy of the network, in evaluation mode.  No Gradient Mask can
act there, since copies of a network carry none: a defence that merely hides the
gradient from the attacker would deceive you.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradmask.lab.data.images import intensities
from gradmask.lab.networks.inspection import evaluation_copy, input_gradient

__all__ = [
    "Attack",
    "auto_attack",
    "fgsm",
    "loss_gradient",
    "pgd",
    "robust_accuracy",
]

Attack = Callable[[nn.Module, Tensor, Tensor, float], Tensor]
"""Takes a classifier, images, labels and epsilon to adversarial images."""


@torch.no_grad()
def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    r"""Fast gradient sign method: one step of size epsilon up the cross-entropy.

    .. math:: X' = \mathrm{clip}_{[0, 1]}(X + \epsilon \, \mathrm{sign} \nabla_X L)

    Parameters
    ----------
    model : nn.Module
        Takes images to logits; it is copied, and left as it is.
    images : Tensor
        Shape (B, C, H, W), in [0, 1].
    labels : Tensor
        Shape (B,).
    epsilon : float
        Largest change of a pixel, in the images' units.

    Returns
    -------
    Tensor
        Adversarial images of the same shape, for each image alone.

    Raises
    ------
    ValueError
        If epsilon is negative or an image leaves [0, 1].

    References
    ----------
    Goodfellow et al., *Explaining and harnessing adversarial examples*, ICLR 2015.
    """
    low, high = ball(images, epsilon)
    gradient = loss_gradient(model, images, labels)
    return (images + epsilon * gradient.sign()).clamp(low, high)


@torch.no_grad()
def pgd(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    *,
    steps: int = 20,
    restarts: int = 1,
    step_size: float | None = None,
    surrogate: nn.Module | None = None,
    generator: torch.Generator,
) -> Tensor:
    r"""Projected gradient descent in the maximum norm, from random starts.

    .. math:: X \leftarrow \Pi(X + \alpha \, \mathrm{sign} \nabla_X L)

    with :math:`\Pi` the projection onto the pixels within epsilon of the image and in
    [0, 1], from a start that is uniform in the ball.  The search for an image ends as
    soon as the network is wrong about it.

    Parameters
    ----------
    model, images, labels, epsilon
        As for :func:`fgsm`.
    steps : int, default 20
        Steps from every start.
    restarts : int, default 1
        Starts; the later ones for those images that withstood the earlier.
    step_size : float, optional
        Alpha, in the images' units.  Default: ``2.5 * epsilon / steps``.
    surrogate : nn.Module, optional
        Another network whose gradients are followed instead: a transfer attack.
        The model attacked still says when it is wrong.
    generator : torch.Generator
        Of the random starts.

    Returns
    -------
    Tensor
        For each image one that the network gets wrong, or the image itself where none
        was found.

    Raises
    ------
    ValueError
        If epsilon is negative or an image leaves [0, 1].

    References
    ----------
    Madry et al., *Towards deep learning models resistant to adversarial attacks*, ICLR
    2018.
    """
    low, high = ball(images, epsilon)
    size = 2.5 * epsilon / steps if step_size is None else step_size
    victim = evaluation_copy(model)
    guide = None if surrogate is None else evaluation_copy(surrogate)
    found = images.clone()
    standing = torch.arange(len(images), device=images.device)
    for _ in range(restarts):
        noise = 2 * uniform(images.shape, images, generator) - 1
        x = (images + epsilon * noise).clamp(low, high)[standing]
        for _ in range(steps + 1):
            gradient, logits = _climb(victim, x, labels[standing])
            if guide is not None:
                gradient, _ = _climb(guide, x, labels[standing])
            right = logits.argmax(1) == labels[standing]
            found[standing[~right]] = x[~right]
            standing, x, gradient = standing[right], x[right], gradient[right]
            if len(standing) == 0:
                return found
            x = (x + size * gradient.sign()).clamp(low[standing], high[standing])
    return found


@torch.no_grad()
def auto_attack(
    model: nn.Module, images: Tensor, labels: Tensor, epsilon: float, *, seed: int = 0
) -> Tensor:
    """AutoAttack in the maximum norm, its standard ensemble of four attacks.

    Auto-PGD on the cross-entropy, targeted Auto-PGD on the ratio of logit differences,
    targeted FAB, and the square attack with 5,000 queries, each on those images that
    withstood the earlier: the authors' own code, the package ``pyautoattack``
    (``pip install "gradmask[attacks]"``).  What it finds suspicious, it says through
    the logger ``"auto-attack"``.

    Parameters
    ----------
    model, images, labels, epsilon
        As for :func:`fgsm`; at least ten classes, float32.
    seed : int, default 0
        Of all its random draws; the global random state is left alone.

    Returns
    -------
    Tensor
        For each image one that the network gets wrong, or the image itself where none
        was found.

    Raises
    ------
    ValueError
        If epsilon is negative or an image leaves [0, 1].
    ModuleNotFoundError
        If ``pyautoattack`` is not installed.

    References
    ----------
    Croce and Hein, *Reliable evaluation of adversarial robustness with an ensemble of
    diverse parameter-free attacks*, ICML 2020.
    """
    from pyautoattack import AutoAttack

    ball(images, epsilon)
    devices = [images.device] if images.is_cuda else []
    with torch.random.fork_rng(devices):
        ensemble = AutoAttack(
            evaluation_copy(model), eps=epsilon, seed=seed, device=images.device
        )
        found, _ = ensemble.run_standard_evaluation(images, labels)
    return torch.as_tensor(found)


@torch.no_grad()
def robust_accuracy(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    attack: Attack,
    epsilons: Sequence[float],
    batch_size: int = 100,
) -> dict[float, float]:
    """Share of images that a classifier gets right before and after an attack.

    Parameters
    ----------
    model : nn.Module
        Takes images to logits; it is copied, and left as it is.
    images, labels : Tensor
        Intensities or bytes of shape (N, C, H, W), and (N,).
    attack : callable
        Such as :func:`fgsm`, or :func:`functools.partial` of :func:`pgd` with a
        generator.
    epsilons : sequence of float
        Strengths.
    batch_size : int, default 100
        Images that are attacked at once.

    Returns
    -------
    dict of float to float
        Accuracy by epsilon.

    Examples
    --------
    >>> from gradmask.lab.networks.small import small_cnn
    >>> model, images = small_cnn(seed=0), torch.rand(4, 1, 32, 32)
    >>> labels = model(images).argmax(1)
    >>> robust_accuracy(model, images, labels, fgsm, [0.0])
    {0.0: 1.0}
    """
    victim = evaluation_copy(model)
    device = next(model.parameters()).device
    right = dict.fromkeys(epsilons, 0)
    for x, y in zip(images.split(batch_size), labels.split(batch_size), strict=True):
        x, y = intensities(x.to(device)), y.to(device)
        known = victim(x).argmax(1) == y
        x, y = x[known], y[known]
        for epsilon in right if len(x) else ():
            attacked = victim(attack(victim, x, y, epsilon))
            right[epsilon] += int((attacked.argmax(1) == y).sum())
    return {epsilon: count / len(images) for epsilon, count in right.items()}


def loss_gradient(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Gradient of every image's cross-entropy, of the images' shape."""
    still, at_once = evaluation_copy(model), 250
    parts = zip(images.split(at_once), labels.split(at_once), strict=True)
    return torch.cat([_climb(still, x, y)[0] for x, y in parts])


def _climb(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient of every image's cross-entropy, and the logits."""
    return input_gradient(
        model, images, lambda logits: F.cross_entropy(logits, labels, reduction="sum")
    )


def ball(images: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Lowest and highest values that an attack of strength epsilon may give."""
    if epsilon < 0:
        raise ValueError(f"epsilon must not be negative, got {epsilon}")
    if len(images) and not (images.min() >= 0 and images.max() <= 1):
        raise ValueError("images must lie in [0, 1]; let the network normalise them")
    return (images - epsilon).clamp(0, 1), (images + epsilon).clamp(0, 1)


def uniform(shape: Sequence[int], like: Tensor, generator: torch.Generator) -> Tensor:
    """Numbers in [0, 1), the same on every device that the images are on."""
    return torch.rand(
        shape, generator=generator, device=generator.device, dtype=like.dtype
    ).to(like.device)
