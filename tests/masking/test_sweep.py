"""Every family of torchvision, one step each: gradients equal the oracle's."""

import copy

import pytest
import torch
from support import byhand
from support.networks import hooks, identical, loss
from torch import nn

import gradmask as gm
from gradmask.masking import ACTIVATIONS

torchvision = pytest.importorskip("torchvision")
models = torchvision.models

SIGNAL = gm.GradientMask(0.5, size=3)
WEIGHTS = gm.GradientMask(0.5, size=3, route="weights")
SIDES = {
    "alexnet": 64,
    "vgg11_bn": 32,
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
    "convnext_tiny": 32,
    "swin_t": 32,
    "maxvit_t": 64,
    "lraspp_mobilenet_v3_large": 32,
}
BLIND = ("googlenet", "inception_v3")  # their activations are functions


def build(name):
    torch.manual_seed(0)
    options = {"num_classes": 5}
    if name in BLIND:
        options["init_weights"] = False
    if name == "maxvit_t":
        options["input_size"] = (64, 64)
    if name.startswith("lraspp"):
        options |= {"weights_backbone": None}
        make = models.segmentation.lraspp_mobilenet_v3_large
    else:
        make = getattr(models, name)
    model = make(**options)
    for module in model.modules():
        if isinstance(module, nn.Dropout | torchvision.ops.StochasticDepth):
            module.p = 0.0
        # Few parameters where there would be millions, for speed.
    if name in ("alexnet", "vgg11_bn"):
        narrow(model.classifier)
    return model.double().train()


def narrow(classifier):
    linear = [i for i, m in enumerate(classifier) if isinstance(m, nn.Linear)]
    widths = [classifier[linear[0]].in_features, 8, 8, 5]
    for i, old, new in zip(linear, widths, widths[1:], strict=False):
        classifier[i] = nn.Linear(old, new)


def check(name, inhibition, layers, by_hand):
    model = build(name)
    x = torch.randn(2, 3, SIDES[name], SIDES[name], dtype=torch.float64)
    twin = copy.deepcopy(model)
    output = byhand.output_of(twin(x))
    with inhibition.attach(model, layers) as handle:
        measured = byhand.output_of(model(x))
        loss(measured).backward()
    assert measured.equal(output)
    assert identical(list(model.buffers()), list(twin.buffers()))
    assert hooks(model) == 0
    expected = by_hand(build(name), handle.sites, x, sigma=0.5, size=3)
    assert byhand.off(model, expected) < 1e-6
    return handle


@pytest.mark.parametrize("name", [n for n in SIDES if n not in BLIND])
def test_the_signal_route_on_every_family(name):
    if name in ("convnext_tiny", "swin_t"):
        with pytest.raises(ValueError, match="channels come last"):
            SIGNAL.attach(build(name))
        return
    handle = check(name, SIGNAL, None, byhand.signal)
    assert all(
        "come last" in why or "dimensions" in why for why in handle.skipped.values()
    )


@pytest.mark.parametrize("name", SIDES)
def test_the_weights_route_on_every_family(name):
    handle = check(name, WEIGHTS, None, byhand.weights)
    kinds = [m for m in build(name).modules() if isinstance(m, nn.Conv2d)]
    assert len(handle.sites) == len(kinds)


@pytest.mark.parametrize("name", BLIND)
def test_normalisations_stand_in_for_functional_activations(name):
    with pytest.raises(ValueError, match=r"functional calls such as F\.relu cannot"):
        SIGNAL.attach(build(name), ACTIVATIONS)
    with SIGNAL.attach(build(name), nn.BatchNorm2d) as handle:
        assert handle.sites
