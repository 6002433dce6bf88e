"""torchvision's networks take the laboratory's images, and masks."""

import pytest
import torch

import gradmask as gm
from gradmask.lab.networks.benchmarks import BENCHMARKED
from gradmask.lab.networks.registry import NETWORKS, network
from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.networks.standard import TORCHVISION, torchvision_network


@pytest.mark.parametrize("name", TORCHVISION)
def test_a_large_network_names_grey_images_and_can_be_masked(name):
    before = torch.get_rng_state()
    model = TORCHVISION[name](seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    again = TORCHVISION[name](seed=0).state_dict()
    assert all(torch.equal(again[key], v) for key, v in model.state_dict().items())

    images = torch.rand(2, 1, 32, 32)
    inhibition = gm.GradientMask.from_theory()
    with inhibition.attach(model) as handle:
        logits = model(images)
        logits.square().sum().backward()
    assert logits.shape == (2, 10)
    assert len(handle.sites) > 10


def test_an_unknown_network_is_refused():
    for build in (torchvision_network, network):
        with pytest.raises(ValueError, match="resnet17"):
            build("resnet17", seed=0)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_registry_builds_the_small_families_too(name):
    assert NETWORKS.keys() == FAMILIES.keys() | TORCHVISION.keys() | BENCHMARKED.keys()
    weights = network(name, seed=3).state_dict()
    again = FAMILIES[name](seed=3).state_dict()
    assert all(torch.equal(again[key], value) for key, value in weights.items())
