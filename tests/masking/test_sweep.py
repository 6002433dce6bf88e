"""Every family of torchvision, one step each: gradients equal the oracle's."""

import copy
from functools import lru_cache

import pytest
import torch
from support.sweeping import one_step
from torch import nn

import gradmask as gm
from gradmask.masking import ACTIVATIONS

torchvision = pytest.importorskip("torchvision")
models = torchvision.models

SIGNAL = gm.GradientMask(0.5, size=3)
WEIGHTS = gm.GradientMask(0.5, size=3, route="weights")
SIDES = {
    "vgg_bn": 32,
    "resnet18": 32,
    "squeezenet1_1": 32,
    "shufflenet_v2_x0_5": 32,
    "mobilenet_v2": 32,
    "mobilenet_v3_small": 32,
    "mnasnet0_5": 32,
    "efficientnet_b0": 32,
    "regnet_y_400mf": 32,
    "densenet121": 32,
    "googlenet": 32,
    "inception_v3": 75,
    "convnext": 32,
    "swin": 32,
    "maxvit": 32,
    "lraspp_mobilenet_v3_large": 32,
    "fasterrcnn_mobilenet_v3_large_320_fpn": 64,
}
BLIND = ("googlenet", "inception_v3")  # their activations are functions


@lru_cache
def pristine(name):
    torch.manual_seed(0)
    model = MAKERS.get(name, lambda: getattr(models, name)(num_classes=5))()
    for module in model.modules():
        if isinstance(module, nn.Dropout | torchvision.ops.StochasticDepth):
            module.p = 0.0
    return model.double().train()


def build(name):
    return copy.deepcopy(pristine(name))


class Detector(nn.Module):
    """Losses of a detector, all with the same objects and the same random draws."""

    def __init__(self):
        super().__init__()
        self.net = models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(
            weights=None, weights_backbone=None, num_classes=3, min_size=64, max_size=64
        )
        self.net.roi_heads.box_head.fc6 = nn.Linear(256 * 49, 8)
        self.net.roi_heads.box_head.fc7 = nn.Linear(8, 1024)

    def forward(self, x):
        torch.manual_seed(0)
        boxes = torch.tensor([[8.0, 8.0, 40.0, 48.0]]).to(x)
        target = {"boxes": boxes, "labels": torch.tensor([1])}
        losses = self.net(list(x), [target] * len(x))
        return torch.stack([losses[k] for k in sorted(losses)])[None]


def vgg():
    features = models.vgg.make_layers([8, "M", 16, "M", 16, 16, "M"], batch_norm=True)
    return nn.Sequential(features, nn.Flatten(), nn.Linear(16 * 16, 5))


def convnext():
    setting = models.convnext.CNBlockConfig
    return models.ConvNeXt([setting(8, 16, 1), setting(16, None, 1)], num_classes=5)


# Small members stand for families whose published members are large.
MAKERS = {
    "vgg_bn": vgg,
    "convnext": convnext,
    "swin": lambda: models.SwinTransformer(
        [4, 4], 8, [1, 1], [2, 2], [2, 2], num_classes=5
    ),
    "googlenet": lambda: models.googlenet(num_classes=5, init_weights=False),
    "inception_v3": lambda: models.inception_v3(
        num_classes=5, init_weights=False, aux_logits=False
    ),
    "maxvit": lambda: models.MaxVit(
        (32, 32), 8, 4, [8, 8], [1, 1], 4, 0.0, num_classes=5
    ),
    "lraspp_mobilenet_v3_large": lambda: models.segmentation.lraspp_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=5
    ),
    "fasterrcnn_mobilenet_v3_large_320_fpn": Detector,
}


def check(name, inhibition, layers=None):
    x = torch.randn(2, 3, SIDES[name], SIDES[name], dtype=torch.float64)
    return one_step(inhibition, build(name), x, layers)


@pytest.mark.parametrize("name", [n for n in SIDES if n not in BLIND])
def test_the_signal_route_on_every_family(name):
    if name in ("convnext", "swin"):
        with pytest.raises(ValueError, match="channels come last"):
            SIGNAL.attach(build(name))
        return
    handle = check(name, SIGNAL)
    assert all(
        "come last" in why or "dimensions" in why for why in handle.skipped.values()
    )


@pytest.mark.parametrize("name", SIDES)
def test_the_weights_route_on_every_family(name):
    handle = check(name, WEIGHTS)
    kinds = [m for m in build(name).modules() if isinstance(m, nn.Conv2d)]
    assert len(handle.sites) == len(kinds)


@pytest.mark.parametrize("name", BLIND)
def test_normalisations_stand_in_for_functional_activations(name):
    with pytest.raises(ValueError, match=r"functional calls such as F\.relu cannot"):
        SIGNAL.attach(build(name), ACTIVATIONS)
    with SIGNAL.attach(build(name), nn.BatchNorm2d) as handle:
        assert handle.sites
