"""Every family of torchvision, small, one step each: gradients equal the oracle's."""

import copy
from functools import lru_cache, partial

import pytest
import torch
from support.networks import close, gradients, hooks, identical
from support.sweeping import one_step
from torch import nn

import gradmask as gm
from gradmask.masking import ACTIVATIONS

torchvision = pytest.importorskip("torchvision")
models = torchvision.models

SIGNAL = gm.GradientMask(0.5, size=3)
WEIGHTS = gm.GradientMask(0.5, size=3, route="weights")
THEORY = gm.GradientMask.from_theory()
SIDES = {
    "alexnet": 64,
    "vgg_bn": 32,
    "resnet": 32,
    "squeezenet1_1": 32,
    "shufflenet_v2": 32,
    "mobilenet_v2": 32,
    "mobilenet_v3": 32,
    "mnasnet": 32,
    "efficientnet": 32,
    "regnet_y": 32,
    "densenet": 32,
    "googlenet": 32,
    "inception_v3": 75,
    "convnext": 32,
    "swin": 32,
    "maxvit": 32,
    "lraspp_mobilenet_v3_large": 32,
    "fasterrcnn_mobilenet_v3_large_320_fpn": 64,
}
SINGLE = (
    "alexnet", "vgg_bn", "resnet", "densenet", "mobilenet_v2", "mobilenet_v3",
    "efficientnet", "convnext",
)  # fmt: skip
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


def alexnet():
    model = models.alexnet(num_classes=5)
    model.classifier[1] = nn.Linear(256 * 36, 8)
    model.classifier[4] = nn.Linear(8, 8)
    model.classifier[6] = nn.Linear(8, 5)
    return model


def mobilenet_v3():
    block = partial(models.mobilenetv3.InvertedResidualConfig, width_mult=1.0)
    setting = [
        block(8, 3, 16, 8, True, "RE", 2, 1),
        block(8, 3, 24, 16, False, "RE", 2, 1),
        block(16, 5, 32, 16, True, "HS", 1, 1),
    ]
    return models.MobileNetV3(setting, 16, num_classes=5)


def efficientnet():
    block = models.efficientnet.MBConvConfig
    setting = [block(1, 3, 1, 8, 8, 1), block(6, 5, 2, 8, 16, 2)]
    return models.EfficientNet(setting, 0.0, num_classes=5)


def regnet():
    stages = models.regnet.BlockParams.from_init_params(
        4, 16, 8.0, 2.0, 8, se_ratio=0.25
    )
    return models.RegNet(stages, num_classes=5, stem_width=8)


# Small members stand for families whose published members are large.
MAKERS = {
    "alexnet": alexnet,
    "vgg_bn": vgg,
    "resnet": lambda: models.ResNet(
        models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=5, width_per_group=64
    ),
    "shufflenet_v2": lambda: models.ShuffleNetV2(
        [2, 2, 2], [8, 16, 32, 64, 64], num_classes=5
    ),
    "mobilenet_v2": lambda: models.MobileNetV2(
        5, 0.5, [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 2, 2]]
    ),
    "mobilenet_v3": mobilenet_v3,
    "mnasnet": lambda: models.MNASNet(0.2, num_classes=5, dropout=0.0),
    "efficientnet": efficientnet,
    "regnet_y": regnet,
    "densenet": lambda: models.DenseNet(8, (2, 2, 2, 2), 8, num_classes=5),
    "convnext": convnext,
    "swin": lambda: models.SwinTransformer(
        [4, 4], 8, [1, 1], [2, 2], [2, 2], num_classes=5
    ),
    "googlenet": lambda: models.googlenet(
        num_classes=5, init_weights=False, aux_logits=False
    ),
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
        with pytest.raises(ValueError, match=r"Skipped '[\w.]+'.*channels come last"):
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
    assert check(name, SIGNAL, nn.BatchNorm2d).sites


def single_precision_step(name, inhibition):
    """The handle of a step that changes gradients alone, and the network."""
    model, x = build(name).float(), torch.randn(2, 3, SIDES[name], SIDES[name])
    plain, output = gradients(model, x), build(name).float()(x)
    with inhibition.attach(model) as handle:
        assert model.load_state_dict(build(name).float().state_dict())
        assert model(x).equal(output)
        masked = gradients(model, x)
    assert all(g.isfinite().all() for g in masked)
    assert not close(masked[:1], plain[:1])
    assert masked[0].any()
    assert hooks(model) == 0
    return handle, model


@pytest.mark.parametrize("name", SINGLE)
def test_theorys_choice_fits_any_network_in_single_precision(name):
    handle, model = single_precision_step(name, THEORY)
    kinds = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(handle.sites) == len(kinds)


@pytest.mark.parametrize("name", ["resnet", "mobilenet_v2"])
def test_the_weights_route_leaves_input_gradients_alone(name):
    model = build(name)
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64, requires_grad=True)
    gradients(model, x)
    true, x.grad = x.grad, None
    with WEIGHTS.attach(model):
        gradients(model, x)
    assert identical([x.grad], [true])


def test_classifiers_are_skipped_and_said_so():
    with SIGNAL.attach(build("alexnet"), nn.ReLU) as handle:
        assert set(handle.skipped) == {"classifier.2", "classifier.5"}
