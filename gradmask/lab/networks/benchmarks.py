"""Networks known by name, as their papers build them, for small images.

All take images (B, C, H, W) in [0, 1], in colour or grey, to logits (B, classes), and
normalise them themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import MobileNetV2, get_model
from torchvision.transforms.v2 import RGB

from gradmask.lab.networks.small import Normalise, seeded

__all__ = ["BENCHMARKED", "airbench", "mobilenet_v2", "resnet18", "resnet20", "vgg16"]

MEAN, STD = 0.5, 0.25


def resnet20(classes: int = 10, *, seed: int) -> nn.Sequential:
    """ResNet-20 for images of 32x32 pixels: three stages of three blocks.

    Shortcuts have no parameters (option A): where a stage begins, every second position
    is taken and the new channels are zero; 0.27 million weights.

    Parameters
    ----------
    classes : int, default 10
        Number of logits.
    seed : int
        Of the initial weights; the global random state is left alone.

    References
    ----------
    He et al., *Deep residual learning for image recognition*, CVPR 2016, section 4.2.
    """
    widths = (16, 16, 32, 64)
    with seeded(seed):
        first = _normalised(3, widths[0])
        blocks = [
            _Block(before if index == 0 else width, width)
            for before, width in pairwise(widths)
            for index in range(3)
        ]
        head = _head(widths[-1], classes)
    return nn.Sequential(*_input(), *first, *blocks, *head)


def airbench(classes: int = 10, *, seed: int) -> nn.Sequential:
    """Jordan's network for images of 32x32 pixels, which trains in a few epochs.

    A convolution of 2x2, then three stages that halve the map behind their first
    convolution, which all begin as partial identities; 1.97 million weights.  Unlike in
    the paper, the first convolution is trained (there it whitens patches and stays so),
    and activations are rectifiers (there GELU).

    Parameters are those of :func:`resnet20`.

    References
    ----------
    Jordan, *94% on CIFAR-10 in 3.29 seconds on a single GPU*, 2024, arXiv:2404.00498.
    """
    widths = 24, 64, 256, 256
    with seeded(seed):
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 2), nn.ReLU(inplace=True)]
        for before, width in pairwise(widths):
            first, *rest = _normalised(before, width)
            layers += [first, nn.MaxPool2d(2), *rest, *_normalised(width, width)]
        for layer in layers:
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
                nn.init.dirac_(layer.weight.data[: layer.in_channels])
        head = nn.MaxPool2d(3), nn.Flatten(), nn.Linear(widths[-1], classes)
    return nn.Sequential(*_input(), *layers, *head)


def vgg16(classes: int = 10, *, seed: int) -> nn.Sequential:
    """VGG-16 with batch normalisation for images of 32x32 pixels.

    The thirteen convolutions of the paper, and one linear layer for its three: five
    poolings leave one position of 32x32 pixels; 14.7 million weights.

    Parameters are those of :func:`resnet20`.

    References
    ----------
    Simonyan and Zisserman, *Very deep convolutional networks for large-scale image
    recognition*, ICLR 2015.
    """
    stages = (64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3
    layers: list[nn.Module] = []
    before = 3
    with seeded(seed):
        for widths in stages:
            for width in widths:
                layers += _normalised(before, width)
                before = width
            layers.append(nn.MaxPool2d(2))
        return nn.Sequential(*_input(), *layers, *_head(before, classes))


def mobilenet_v2(classes: int = 10, *, seed: int) -> nn.Sequential:
    """MobileNetV2 for images of 32x32 pixels.

    The first convolution and the second and third stage keep the size of their maps,
    as is usual at this size of image; the dropout before the last layer is left out.
    2.2 million weights.

    Parameters are those of :func:`resnet20`.

    References
    ----------
    Sandler et al., *MobileNetV2: inverted residuals and linear bottlenecks*, CVPR
    2018.
    """
    # Expansion, channels, blocks and stride of every stage.
    stages = [
        [1, 16, 1, 1],
        [6, 24, 2, 1],
        [6, 32, 3, 1],
        [6, 64, 4, 2],
        [6, 96, 3, 1],
        [6, 160, 3, 2],
        [6, 320, 1, 1],
    ]
    with seeded(seed):
        network = MobileNetV2(classes, inverted_residual_setting=stages, dropout=0.0)
    network.features[0][0].stride = (1, 1)
    return nn.Sequential(*_input(), network)


def resnet18(classes: int = 10, *, seed: int) -> nn.Sequential:
    """ResNet-18 as torchvision builds it, for larger images: 11.2 million weights.

    Parameters and reference are those of :func:`resnet20`.
    """
    with seeded(seed):
        network = get_model("resnet18", weights=None, num_classes=classes)
    return nn.Sequential(*_input(), network)


BENCHMARKED: dict[str, Callable[..., nn.Sequential]] = {
    "airbench": airbench,
    "resnet20": resnet20,
    "vgg16": vgg16,
    "mobilenet_v2": mobilenet_v2,
    "resnet18_rgb": resnet18,
}
"""The networks of the standard benchmarks, by name."""


class _Block(nn.Module):
    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.stride = 1 if before == width else 2
        self.added = width - before
        self.body = nn.Sequential(
            *_normalised(before, width, self.stride),
            _convolution(width, width),
            nn.BatchNorm2d(width),
        )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.activation(self.body(x) + self._shortcut(x))
        return out

    def _shortcut(self, x: Tensor) -> Tensor:
        if not self.added:
            return x
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, self.added // 2, self.added - self.added // 2))


def _input() -> tuple[nn.Module, nn.Module]:
    return RGB(), Normalise(MEAN, STD)


def _head(width: int, classes: int) -> tuple[nn.Module, ...]:
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)


def _normalised(before: int, width: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = _convolution(before, width, stride)
    return convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True)


def _convolution(before: int, width: int, stride: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(before, width, 3, stride, padding=1, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
