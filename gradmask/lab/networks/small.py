"""Networks small enough to be trained on a CPU while you read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = [
    "FAMILIES",
    "Normalise",
    "seeded",
    "small_cnn",
    "small_mobilenet",
    "small_resnet",
    "small_vgg",
]


class Normalise(nn.Module):
    """Subtract a mean and divide by a standard deviation.

    It sits inside the network, so that whatever perturbs an image does so in units of
    its pixels.

    Parameters
    ----------
    mean, std : float or sequence of float
        Of all channels, or of each.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, mean: float | Sequence[float], std: float | Sequence[float]
    ) -> None:
        super().__init__()
        self.register_buffer("mean", _per_channel(mean))
        self.register_buffer("std", _per_channel(std))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return (x - self.mean) / self.std


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw initial weights from a seed, and leave the global random state alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def small_cnn(
    classes: int = 10, widths: Sequence[int] = (16, 32, 48), *, seed: int
) -> nn.Sequential:
    """Three convolutions without normalisation, max pooling, a flattened head.

    Parameters, what it takes and what it gives are those of :func:`small_resnet`.
    """
    with seeded(seed):
        return nn.Sequential(
            Normalise(0.3, 0.3),
            *(
                layer
                for before, width in _steps(1, widths)
                for layer in (
                    nn.Conv2d(before, width, 5, padding=2),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(2),
                )
            ),
            *_flattened_head(widths[-1], classes),
        )


def small_vgg(
    classes: int = 10, widths: Sequence[int] = (12, 24, 48), *, seed: int
) -> nn.Sequential:
    """Pairs of normalised convolutions, max pooling, and a flattened head.

    Parameters, what it takes and what it gives are those of :func:`small_resnet`.

    References
    ----------
    Simonyan and Zisserman, *Very deep convolutional networks for large-scale image
    recognition*, ICLR 2015.
    """
    with seeded(seed):
        return nn.Sequential(
            Normalise(0.3, 0.3),
            *(
                layer
                for before, width in _steps(1, widths)
                for layer in (
                    _convolution(before, width),
                    nn.ReLU(inplace=True),
                    _convolution(width, width),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(2),
                )
            ),
            *_flattened_head(widths[-1], classes),
        )


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
    with seeded(seed):
        return nn.Sequential(
            Normalise(0.3, 0.3),
            _convolution(1, widths[0]),
            nn.ReLU(inplace=True),
            *(
                _Residual(before, width, stride=1 if before == width else 2)
                for before, width in _steps(widths[0], widths)
            ),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(widths[-1], classes),
        )


def small_mobilenet(
    classes: int = 10, widths: Sequence[int] = (16, 24, 48), *, seed: int
) -> nn.Sequential:
    """Inverted residuals with depthwise convolutions and a global-average head.

    Parameters, what it takes and what it gives are those of :func:`small_resnet`.

    References
    ----------
    Sandler et al., *MobileNetV2: inverted residuals and linear bottlenecks*, CVPR
    2018.
    """
    with seeded(seed):
        return nn.Sequential(
            Normalise(0.3, 0.3),
            _convolution(1, widths[0], stride=2),
            nn.ReLU6(inplace=True),
            *(
                block
                for before, width in _steps(widths[0], widths)
                for block in (
                    _InvertedResidual(before, width, stride=1 + (before != width)),
                    _InvertedResidual(width, width, stride=1),
                )
            ),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(widths[-1], classes),
        )


FAMILIES: dict[str, Callable[..., nn.Sequential]] = {
    "cnn": small_cnn,
    "vgg": small_vgg,
    "resnet": small_resnet,
    "mobilenet": small_mobilenet,
}
"""The families of networks that the experiments compare, by name."""


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


class _InvertedResidual(nn.Module):
    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        wide = 3 * before
        self.body = nn.Sequential(
            _convolution(before, wide, kernel_size=1),
            nn.ReLU6(inplace=True),
            _convolution(wide, wide, stride, groups=wide),
            nn.ReLU6(inplace=True),
            _convolution(wide, width, kernel_size=1),
        )
        self.residual = before == width and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return x + out if self.residual else out


def _per_channel(values: float | Sequence[float]) -> Tensor:
    given = torch.tensor(values)
    return given if given.dim() == 0 else given[:, None, None]


def _steps(first: int, widths: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip([first, *widths], widths, strict=False)


def _flattened_head(width: int, classes: int) -> tuple[nn.Module, ...]:
    side = 4
    return (
        nn.AdaptiveAvgPool2d(side),
        nn.Flatten(),
        nn.Linear(width * side**2, classes),
    )


def _convolution(
    before: int, width: int, stride: int = 1, kernel_size: int = 3, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(
            before,
            width,
            kernel_size,
            stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        ),
        nn.BatchNorm2d(width),
    )
