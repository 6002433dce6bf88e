"""The augmentation that every recipe for small photographs has: crops and flips."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from gradmask.lab.data.images import ImageSet

__all__ = ["CropsAndFlips", "crop_and_flip"]


def crop_and_flip(images: Tensor, padding: int, generator: Generator) -> Tensor:
    """Shift every image at random, and mirror every second, in one step for the batch.

    Parameters
    ----------
    images : Tensor
        Shape (B, C, H, W).
    padding : int
        An image moves by up to so many pixels, up or down and left or right, each way
        uniformly; zeros move in.
    generator : torch.Generator
        Of the draws: the same on every device that the images are on.

    Returns
    -------
    Tensor
        Of the same shape, laid out channels last.
    """
    count, _, height, width = images.shape

    def draw(largest: int) -> Tensor:
        shape = count, 1, 1
        drawn = torch.randint(
            largest, shape, generator=generator, device=generator.device
        )
        return drawn.to(images.device, non_blocking=True)

    rows, columns = (torch.arange(n, device=images.device) for n in (height, width))
    down, right = draw(2 * padding + 1), draw(2 * padding + 1)
    mirrored = (width - 1) * draw(2)
    padded = F.pad(images, (padding,) * 4).permute(0, 2, 3, 1)
    sample = torch.arange(count, device=images.device)[:, None, None]
    rows, columns = down + rows[:, None], right + (columns - mirrored).abs()
    return padded[sample, rows, columns].permute(0, 3, 1, 2)


class CropsAndFlips:
    """:func:`crop_and_flip` for :func:`gradmask.lab.training.loop.train`.

    Parameters
    ----------
    padding : int
        As there.
    seed : int
        Of its draws.
    """

    def __init__(self, padding: int, *, seed: int) -> None:
        self.padding = padding
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, model: nn.Module, batch: ImageSet) -> tuple[Tensor, Tensor]:
        """Return a batch's images, changed, and its labels."""
        return crop_and_flip(batch.images, self.padding, self.generator), batch.labels
