"""Scenes, and the signals of three families of networks on them, in float64."""

import pytest

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import cluttered_scenes
from gradmask.lab.measures.layers.signals import layer_signals
from gradmask.lab.networks.inspection import batch_normalised_copy
from gradmask.lab.networks.small import FAMILIES


@pytest.fixture(scope="module")
def scenes():
    return cluttered_scenes(load_fashion_mnist().train, 12, seed=0)


@pytest.fixture(scope="module", params=["resnet", "cnn", "mobilenet"])
def network(request, scenes):
    return batch_normalised_copy(
        FAMILIES[request.param](seed=0), scenes.images
    ).double()


@pytest.fixture(scope="module")
def signals(network, scenes):
    return layer_signals(network, scenes.images.double(), scenes.labels)
