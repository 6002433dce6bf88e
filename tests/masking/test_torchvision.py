"""A sweep over torchvision's families, on small images."""

import copy
from functools import lru_cache

import pytest
import torch
from support.networks import close, gradients, hooks, identical
from torch import nn

import gradmask as gm

torchvision = pytest.importorskip("torchvision")
models = torchvision.models

SIDES = {
    "alexnet": 64,
    "vgg11_bn": 32,
    "resnet18": 32,
    "densenet121": 32,
    "googlenet": 32,
    "mobilenet_v2": 32,
    "mobilenet_v3_small": 32,
    "efficientnet_b0": 32,
    "convnext_tiny": 32,
}
SIGNAL = gm.GradientMask(0.5, size=3)
WEIGHTS = gm.GradientMask(0.5, size=3, route="weights")
FUNCTIONAL = ("googlenet", "convnext_tiny")


@lru_cache
def pristine(name):
    torch.manual_seed(0)
    options = {"aux_logits": False, "init_weights": False}
    model = getattr(models, name)(
        num_classes=5, **(options if name == "googlenet" else {})
    )
    for module in model.modules():
        if isinstance(module, nn.Dropout | torchvision.ops.StochasticDepth):
            module.p = 0.0
    if name in ("alexnet", "vgg11_bn"):  # narrow the wide read-outs, for speed
        first, second, third = (
            i for i, m in enumerate(model.classifier) if isinstance(m, nn.Linear)
        )
        model.classifier[first] = nn.Linear(model.classifier[first].in_features, 8)
        model.classifier[second] = nn.Linear(8, 8)
        model.classifier[third] = nn.Linear(8, 5)
    return model.train()


def build(name):
    return copy.deepcopy(pristine(name))


def check(name, inhibition, layers=None):
    model, x = build(name), torch.randn(2, 3, SIDES[name], SIDES[name])
    first = next(p for p in model.parameters())
    plain = gradients(model, x)
    output = build(name)(x)
    with inhibition.attach(model, layers) as handle:
        assert model.load_state_dict(build(name).state_dict())
        assert model(x).equal(output)
        masked = gradients(model, x)
    assert all(g.isfinite().all() for g in masked)
    assert not close(masked[:1], plain[:1])
    assert first.grad.any()
    assert hooks(model) == 0
    return handle


@pytest.mark.parametrize("name", [n for n in SIDES if n not in FUNCTIONAL])
def test_signal_route(name):
    check(name, SIGNAL)


@pytest.mark.parametrize("name", SIDES)
def test_weights_route(name):
    handle = check(name, WEIGHTS)
    kinds = [m for m in build(name).modules() if isinstance(m, nn.Conv2d)]
    assert len(handle.sites) == len(kinds)


@pytest.mark.parametrize("name", SIDES)
def test_theorys_choice_fits_any_network(name):
    handle = check(name, gm.GradientMask.from_theory())
    kinds = [m for m in build(name).modules() if isinstance(m, nn.Conv2d)]
    assert len(handle.sites) == len(kinds)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
def test_weights_route_leaves_input_gradients_alone(name):
    model = build(name).double()
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64, requires_grad=True)
    gradients(model, x)
    true, x.grad = x.grad, None
    with WEIGHTS.attach(model):
        gradients(model, x)
    assert identical([x.grad], [true])


def test_functional_activations_raise_and_normalisations_stand_in():
    with pytest.raises(ValueError, match=r"functional calls such as F\.relu cannot"):
        SIGNAL.attach(build("googlenet"))
    check("googlenet", SIGNAL, nn.BatchNorm2d)


def test_channels_last_blocks_raise_by_name():
    with pytest.raises(ValueError, match=r"Skipped 'features\.1\.0\.block\.4'.*last"):
        SIGNAL.attach(build("convnext_tiny"))


def test_classifiers_are_skipped_and_said_so():
    with SIGNAL.attach(build("alexnet"), nn.ReLU) as handle:
        assert set(handle.skipped) == {"classifier.2", "classifier.5"}
