"""Signals of single layers, against single samples and slow rewrites."""

import copy

import torch
from torch import nn

from gradmask.lab.measures.layers.gradients import input_patches
from gradmask.lab.measures.layers.signals import layer_signals, object_positions
from gradmask.lab.networks.inspection import batch_normalised_copy
from gradmask.lab.networks.small import FAMILIES


def test_signals_are_those_of_every_convolution_and_of_each_sample_alone(
    network, scenes, signals
):
    convolutions = [n for n, m in network.named_modules() if isinstance(m, nn.Conv2d)]
    assert sorted(signals) == sorted(convolutions)
    one = slice(3, 4)
    alone = layer_signals(network, scenes.images[one].double(), scenes.labels[one])
    for name, layer in signals.items():
        torch.testing.assert_close(layer.delta[one], alone[name].delta)
        torch.testing.assert_close(layer.activation[one], alone[name].activation)


def test_energies_are_products_of_norms(signals):
    for layer in signals.values():
        if layer.conv.groups == 1:
            torch.testing.assert_close(
                layer.energy("contribution"), layer.energy("error") * layer.window()
            )
        norms = input_patches(layer).flatten(1, 2).square().sum(1).sqrt()
        torch.testing.assert_close(layer.window().flatten(1), norms)


def test_a_frozen_network_computes_what_it_does_in_training(scenes):
    model = FAMILIES["resnet"](seed=1)
    state = copy.deepcopy(model.state_dict())
    calm = batch_normalised_copy(model, scenes.images)
    with torch.no_grad():
        calm_output, busy_output = calm(scenes.images), model(scenes.images)
    # Running variances are unbiased, those of the batch are not.
    torch.testing.assert_close(calm_output, busy_output, rtol=0.02, atol=0.02)
    assert not calm.training
    assert model.training
    untouched = {k: v for k, v in state.items() if "running" not in k}
    for key, value in untouched.items():
        if "num_batches" not in key:
            assert torch.equal(model.state_dict()[key], value)


def test_positions_belong_to_the_object_from_half_cover_on():
    mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    mask[0, :4, :4] = True
    mask[0, 4, 4:8] = True  # a quarter of two by two, twice; half of nothing
    mask[0, 6:8, 0] = True  # half of one
    on = object_positions(mask, torch.Size([1, 5, 4, 4]))
    expected = torch.zeros(4, 4, dtype=torch.bool)
    expected[:2, :2] = True
    expected[2, 2:4] = True  # one row of two: half
    expected[3, 0] = True
    assert torch.equal(on[0, 0], expected)
