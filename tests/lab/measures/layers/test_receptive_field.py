"""Receptive fields against closed forms and finite differences."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torch import nn

import gradmask as gm
from gradmask.lab.measures.layers.receptive_field import radius, receptive_field
from gradmask.lab.networks.small import small_resnet


def averaging(depth, size=3):
    """Convolutions that average, so that the field is their kernels' convolution."""
    layers = [
        nn.Conv2d(1, 1, size, padding=size // 2, bias=False) for _ in range(depth)
    ]
    with torch.no_grad():
        for layer in layers:
            layer.weight.fill_(1 / size**2)
    return nn.Sequential(*layers)


def images(count=2, side=32, seed=0):
    return torch.rand(
        count, 1, side, side, generator=torch.Generator().manual_seed(seed)
    )


@pytest.mark.parametrize(("depth", "size"), [(1, 3), (4, 3), (3, 5)])
def test_the_field_of_averages_is_their_kernels_convolved(depth, size):
    field = receptive_field(averaging(depth, size), str(depth - 1), images())
    kernel = np.ones((1, 1))
    for _ in range(depth):
        kernel = convolve2d(kernel, np.full((size, size), 1 / size**2))
    reach = len(kernel) // 2
    expected = np.zeros((32, 32))
    expected[16 - reach : 17 + reach, 16 - reach : 17 + reach] = kernel
    np.testing.assert_allclose(field, expected, atol=1e-7)


@pytest.mark.parametrize("depth", [1, 4, 9])
def test_the_radius_of_averages_grows_as_the_root_of_their_number(depth):
    field = receptive_field(averaging(depth), str(depth - 1), images())
    # Variances add: 2/3 for a side of three pixels, along each axis.
    assert radius(field) == pytest.approx(math.sqrt(2 * depth * 2 / 3), rel=1e-5)


def test_signs_do_not_cancel_between_images_or_channels():
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False))
    with torch.no_grad():
        model[0].weight.fill_(0.5)
        model[0].weight[1] = -1.0
    field = receptive_field(model, "0", images())
    expected = np.zeros((32, 32))
    expected[15:18, 15:18] = 0.75
    np.testing.assert_allclose(field, expected)


@pytest.mark.parametrize("layer", ["2", "4", "4.body.2"])
def test_the_field_of_a_network_follows_numerical_differences(layer):
    model = small_resnet(widths=(2, 3), seed=0).double()
    batch = images(2, 8).double()
    model(batch)
    model.eval()
    parts = {}
    hook = model.get_submodule(layer).register_forward_hook(
        lambda m, i, o: parts.update(
            y=o[:, :, o.shape[2] // 2, o.shape[3] // 2].clone()
        )
    )
    field = receptive_field(model, layer, batch)
    for pixel in [(4, 4), (3, 5), (0, 1)]:
        ends = []
        for step in (1e-6, -1e-6):
            moved = batch.clone()
            moved[:, 0, pixel[0], pixel[1]] += step
            with torch.no_grad():
                model(moved)
            ends.append(parts["y"])
        slope = ((ends[0] - ends[1]) / 2e-6).abs().mean().item()
        assert field[pixel].item() == pytest.approx(slope, rel=1e-4, abs=1e-8)
    hook.remove()


def test_the_network_is_left_as_it_is_and_no_mask_acts():
    model = small_resnet(widths=(8, 8), seed=0)
    model(images())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plain = receptive_field(model.eval(), "4", images())
    with gm.GradientMask(1.0, size=3).attach(model.train()):
        assert torch.equal(receptive_field(model, "4", images()), plain)
    assert model.training
    assert not any(m._forward_hooks for m in model.modules())
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_the_radius_is_the_loop():
    field = torch.rand(5, 8, generator=torch.Generator().manual_seed(0))
    total = y = x = square = 0.0
    for i in range(5):
        for j in range(8):
            total, y, x = total + field[i, j], y + i * field[i, j], x + j * field[i, j]
    for i in range(5):
        for j in range(8):
            square += field[i, j] * ((i - y / total) ** 2 + (j - x / total) ** 2)
    assert radius(field) == pytest.approx(math.sqrt(square / total), rel=1e-5)
    assert radius(torch.eye(1)) == 0
    assert math.isnan(radius(torch.zeros(3, 3)))


def test_what_is_not_there_is_refused():
    model = small_resnet(widths=(8, 8), seed=0)
    with pytest.raises(ValueError, match="no layer 'x'"):
        receptive_field(model, "x", images())
    with pytest.raises(ValueError, match="no map"):
        receptive_field(model, "6", images())
