"""Classifiers that are ready to be attacked, and images that they get right."""

import torch
from torch import nn

from gradmask.lab.networks.small import small_cnn


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(seed=0):
    """A small network of steep logits, in double precision, ready to be attacked."""
    model = small_cnn(widths=(3, 4), seed=seed).double()
    with torch.no_grad():
        model[-1].weight *= 5
    return model


def examples(count=24, seed=0):
    images = torch.rand(count, 1, 16, 16, generator=seeded(seed)).double()
    with torch.no_grad():
        return images, network().eval()(images).argmax(1)


def linear(classes=10, seed=0):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=seeded(seed)))
    return model
