"""Families of timm, one step each: gradients equal the oracle's, or are refused."""

import copy
from functools import lru_cache

import pytest
import torch
from support.sweeping import one_step
from torch import nn

import gradmask as gm

timm = pytest.importorskip("timm")

SIGNAL = gm.GradientMask(0.5, size=3)
WEIGHTS = gm.GradientMask(0.5, size=3, route="weights")
SHALLOW = {"layers": (1, 1, 1, 1)}
FAMILIES = {
    "cs3darknet_focus_s": {},
    "dla46x_c": {},
    "edgenext_xx_small": {},
    "ese_vovnet19b_slim_dw": {},
    "fasternet_t0": {},
    "ghostnet_050": {"drop_rate": 0.0},
    "inception_next_atto": {},
    "lcnet_035": {"drop_rate": 0.0},
    "legacy_seresnet18": {"drop_rate": 0.0, **SHALLOW},
    "levit_128s": {"img_size": 64},
    "mobilevit_xxs": {},
    "pvt_v2_b0": {"depths": (1, 1, 1, 1)},
    "regnetx_002": {},
    "res2next50": SHALLOW,
    "resnest14d": {},
    "resnetv2_18": SHALLOW,
    "skresnet18": SHALLOW,
    "starnet_s050": {},
    "test_byobnet": {},
    "test_coatnet": {"img_size": 64},
    "test_convnext": {},
    "test_efficientnet": {},
    "test_efficientnet_gn": {},
    "test_mambaout": {},
    "test_nfnet": {},
    "test_resnet": {},
    "vit_tiny_r_s16_p8_224": {"img_size": 64, "depth": 1},
}
REFUSED = {  # on the signal route
    "edgenext_xx_small": "channels come last",
    "test_convnext": "GELUTanh.*functional calls",
}
REASONS = "come last", "of 3 dimensions", "computes its convolution in its own way"


@lru_cache
def pristine(name):
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=5, **FAMILIES[name])
    for parameter in model.parameters():
        if parameter.dim() == 1:  # a branch scaled by zero would hide what it does
            nn.init.uniform_(parameter, 0.5, 1.5)
    return model.double().train()


def build(name):
    side = FAMILIES[name].get("img_size", 32)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 3, side, side, generator=generator, dtype=torch.float64)
    return copy.deepcopy(pristine(name)), x


@pytest.mark.parametrize("name", [n for n in FAMILIES if n not in REFUSED])
def test_the_signal_route_on_every_family(name):
    handle = one_step(SIGNAL, *build(name))
    assert all(any(why in s for why in REASONS) for s in handle.skipped.values())


@pytest.mark.parametrize("name", REFUSED)
def test_families_without_an_activation_to_mask_are_refused(name):
    with pytest.raises(ValueError, match=REFUSED[name]):
        SIGNAL.attach(build(name)[0])


@pytest.mark.parametrize("name", FAMILIES)
def test_the_weights_route_on_every_family(name):
    model, x = build(name)
    handle = one_step(WEIGHTS, model, x)
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(handle.sites) + len(handle.skipped) == len(convolutions)
    assert all(any(why in s for why in REASONS) for s in handle.skipped.values())


def test_a_family_in_which_a_pass_finds_nothing_to_mask_is_refused_in_the_next():
    model, x = build("pvt_v2_b0")
    with SIGNAL.attach(model) as handle:
        model(x)
        assert not handle.sites
        with pytest.raises(RuntimeError, match=r"nothing here: .*of 3 dimensions"):
            model(x)
        with handle.paused():
            model(x)
    model(x)
