"""Scores of images that are handed out in batches are those of all at once."""

import pytest
import torch
from torch import nn

from gradmask.lab.data.images import ImageSet
from gradmask.lab.measures.accuracy import evaluate, evaluate_shared


def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(12, 3)).train()


@pytest.mark.parametrize("batch_size", [1, 4, 10, 100])
def test_the_score_does_not_depend_on_the_batches(batch_size):
    model, labels = linear(), torch.arange(10) % 3
    images = ImageSet(torch.rand(10, 3, 2, 2), labels)
    score = evaluate_shared(model, images, batch_size)
    assert score == pytest.approx(evaluate(model, images), rel=1e-5)
    assert model.training
