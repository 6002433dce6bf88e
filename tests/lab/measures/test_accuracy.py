"""Scores of images that are handed out in batches are those of all at once."""

import numpy as np
import pytest
import torch
from torch import nn

from gradmask.lab.data.images import ImageSet
from gradmask.lab.measures.accuracy import calibration_error, evaluate, evaluate_shared


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


def test_bytes_score_as_the_intensities_that_they_are():
    model, labels = linear(), torch.arange(10) % 3
    pixels = torch.randint(256, (10, 3, 2, 2), dtype=torch.uint8)
    scores = [evaluate(model, ImageSet(x, labels)) for x in (pixels, pixels / 255)]
    assert scores[0] == scores[1]


def test_calibration_is_the_mean_distance_of_confidence_and_accuracy():
    logits, labels = torch.randn(200, 5) * 2, torch.randint(5, (200,))
    shares = torch.softmax(logits.double(), 1).numpy()
    confidence, right = shares.max(1), shares.argmax(1) == labels.numpy()
    wanted = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence >= low) & (confidence < low + 1 / 15)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            wanted += inside.mean() * gap
    assert calibration_error(logits, labels) == pytest.approx(wanted)
    certain = torch.eye(5)[labels] * 100
    assert calibration_error(certain, labels) == pytest.approx(0)
    assert calibration_error(-certain, labels) == pytest.approx(0.25)
