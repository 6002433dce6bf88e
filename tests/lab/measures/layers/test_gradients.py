"""Gradients of single samples, with and without a mask, against the library's."""

import torch
import torch.nn.functional as F
from torch import nn

import gradmask as gm
from gradmask.lab.measures.layers.gradients import input_patches, sample_gradients
from gradmask.lab.measures.layers.signals import layer_signals
from gradmask.lab.networks.inspection import batch_normalised_copy
from gradmask.lab.networks.small import FAMILIES


def test_patches_times_error_are_the_gradients_of_single_samples(
    network, scenes, signals
):
    grads = gm.per_sample_gradients(
        network, F.cross_entropy, scenes.images.double(), scenes.labels
    )
    for name, layer in signals.items():
        measured = sample_gradients(layer, input_patches(layer))
        torch.testing.assert_close(measured, grads[f"{name}.weight"].flatten(1))


def test_masked_moments_are_those_of_an_attached_mask(scenes):
    network = batch_normalised_copy(FAMILIES["resnet"](seed=0), scenes.images).double()
    images = scenes.images.double()
    signals = layer_signals(network, images, scenes.labels)
    inhibition = gm.GradientMask(
        0.12, 0.5, route="weights", energy="contribution", relative=True
    )
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.train()
    with inhibition.attach(network):
        grads = gm.per_sample_gradients(network, F.cross_entropy, images, scenes.labels)
    for name, layer in signals.items():
        mask = inhibition.mask(layer.delta, energy=layer.energy("contribution"))
        measured = sample_gradients(layer, input_patches(layer), mask)
        torch.testing.assert_close(measured, grads[f"{name}.weight"].flatten(1))
