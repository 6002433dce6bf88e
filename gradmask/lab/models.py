"""Networks small enough to be trained on a CPU while you read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Normalise", "small_resnet"]


class Normalise(nn.Module):
    """Subtract a mean and divide by a standard deviation.

    It sits inside the network, so that whatever perturbs an image does so in units of
    its pixels.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return (x - self.mean) / self.std


def small_resnet(
    classes: int = 10, widths: Sequence[int] = (12, 24, 48), *, seed: int
) -> nn.Sequential:
    """Residual network with one block per stage and a global-average-pooling head.

    Parameters
    ----------
    classes : int, default 10
        Number of logits.
    widths : sequence of int, default (12, 24, 48)
        Channels of the stages; each stage after the first halves the map.
    seed : int
        Of the initial weights; the global random state is left alone.

    Returns
    -------
    nn.Sequential
        Takes grey images of shape (B, 1, H, W) in [0, 1] to logits (B, classes).

    References
    ----------
    He et al., *Deep residual learning for image recognition*, CVPR 2016.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            Normalise(0.3, 0.3),
            _convolution(1, widths[0]),
            nn.ReLU(inplace=True),
            *(
                _Residual(before, width, stride=1 if before == width else 2)
                for before, width in zip([widths[0], *widths], widths, strict=False)
            ),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(widths[-1], classes),
        )


class _Residual(nn.Module):
    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(before, width, stride),
            nn.ReLU(inplace=True),
            _convolution(width, width),
        )
        self.shortcut = (
            nn.Identity()
            if before == width
            else _convolution(before, width, stride, kernel_size=1)
        )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return out


def _convolution(
    before: int, width: int, stride: int = 1, kernel_size: int = 3
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(
            before, width, kernel_size, stride, padding=kernel_size // 2, bias=False
        ),
        nn.BatchNorm2d(width),
    )
