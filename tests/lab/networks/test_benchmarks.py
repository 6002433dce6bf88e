"""Networks of the standard benchmarks: as large as published, and ready for masks."""

import pytest
import torch
from torch import nn

import gradmask as gm
from gradmask.lab.networks.benchmarks import BENCHMARKED

# Weights for ten classes, counted by hand; He et al. (2016), table 6, say 0.27 M.
COUNTS = {
    "airbench": 1_972_802,
    "resnet20": 269_722,
    "vgg16": 14_724_042,
    "mobilenet_v2": 2_236_682,
    "resnet18_rgb": 11_181_642,
}


@pytest.fixture(params=BENCHMARKED)
def name(request):
    return request.param


def test_a_network_is_as_large_as_published(name):
    before = torch.get_rng_state()
    model = BENCHMARKED[name](seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    assert sum(p.numel() for p in model.parameters()) == COUNTS[name]
    first, other = (
        torch.cat([p.flatten() for p in BENCHMARKED[name](seed=s).parameters()])
        for s in (0, 1)
    )
    own = torch.cat([p.flatten() for p in model.parameters()])
    assert torch.equal(own, first)
    assert not torch.equal(own, other)


def test_colour_and_grey_images_become_logits_and_masks_attach(name):
    side = 64 if name == "resnet18_rgb" else 32
    model = BENCHMARKED[name](7, seed=0)
    assert model.eval()(torch.rand(2, 1, side, side)).shape == (2, 7)
    masks = gm.GradientMask(1.0, size=5), gm.GradientMask.from_theory()
    for mask in masks:
        with mask.attach(model.train()) as handle:
            model(torch.rand(2, 3, side, side)).square().sum().backward()
        assert len(handle.sites) > (6 if name == "airbench" else 8)


def test_a_grey_image_is_the_colour_image_without_colour(name):
    side = 64 if name == "resnet18_rgb" else 32
    model, grey = BENCHMARKED[name](seed=0).eval(), torch.rand(2, 1, side, side)
    assert torch.equal(model(grey), model(grey.expand(-1, 3, -1, -1)))


def test_resnet20_halves_its_maps_twice_and_its_shortcuts_have_no_weights():
    model = BENCHMARKED["resnet20"](seed=0)
    sides = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda m, x, out: sides.append(out.shape[-1]))
    model(torch.rand(1, 3, 32, 32))
    assert sides == [32] * 7 + [16] * 6 + [8] * 6


def test_a_shortcut_takes_every_second_position_and_adds_channels_of_zeros():
    block = BENCHMARKED["resnet20"](seed=0)[8]
    for layer in block.body:
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.zeros_(layer.weight)
    x = torch.rand(2, 16, 8, 8)
    out = block(x)
    assert torch.equal(out[:, 8:24], x[:, :, ::2, ::2])
    assert not out[:, :8].any()
    assert not out[:, 24:].any()
