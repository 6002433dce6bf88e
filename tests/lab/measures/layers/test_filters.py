"""Filters are those of the first convolution."""

import pytest
import torch
from torch import nn

from gradmask.lab.measures.layers.filters import first_filters
from gradmask.lab.networks.small import small_cnn


def test_filters_are_a_copy_of_the_first_weights():
    model = small_cnn(seed=0)
    filters = first_filters(model)
    assert torch.equal(filters, model[1].weight[:, 0])
    filters.zero_()
    assert model[1].weight.abs().sum() > 0


def test_what_has_no_grey_filters_is_refused():
    for model in (nn.Linear(2, 2), nn.Conv2d(3, 4, 3)):
        with pytest.raises(ValueError, match="one channel"):
            first_filters(model)
