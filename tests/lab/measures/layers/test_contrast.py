"""Object contrast against loops, and under every head."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gradmask.lab.measures.layers.contrast import (
    contrast_rows,
    object_contrast,
    object_share,
)
from gradmask.lab.networks.heads import HEADS, resnet_with_head, targets
from gradmask.lab.networks.small import FAMILIES


def test_contrast_and_share_against_loops():
    generator = torch.Generator().manual_seed(0)
    energy = torch.rand(3, 1, 5, 5, generator=generator)
    on = torch.rand(3, 1, 5, 5, generator=generator) < 0.3
    inside, outside = [], []
    for e, o in zip(energy.flatten().tolist(), on.flatten().tolist(), strict=True):
        (inside if o else outside).append(e**2)
    assert object_contrast(energy, on) == pytest.approx(
        np.mean(inside) / np.mean(outside)
    )
    assert object_share(energy, on) == pytest.approx(
        sum(inside) / (sum(inside) + sum(outside))
    )


@pytest.mark.parametrize("head", HEADS)
def test_every_head_learns_what_it_is_asked_to(head, scenes):
    model = resnet_with_head(head, seed=0)
    asked = targets(head, scenes)
    images, labels = asked.images, asked.labels
    logits = model(images)
    assert logits.shape[2:] == labels.shape[1:]
    assert F.cross_entropy(logits, labels).isfinite()
    body = dict(FAMILIES["resnet"](seed=0).named_parameters())
    own = dict(model.named_parameters())
    for name in body.keys() & own.keys():
        if body[name].dim() == 4:
            assert torch.equal(body[name], own[name])
    rows = contrast_rows(model, images, labels, scenes.mask)
    assert all(0 < row["share"] < 1 and row["contrast"] > 0 for row in rows)
    assert (rows[0]["depth"], rows[-1]["depth"]) == (0, 1)


def test_the_average_head_is_the_usual_network():
    usual = FAMILIES["resnet"](seed=3)
    again = resnet_with_head("average", seed=3)
    assert str(usual) == str(again)


def test_an_unknown_head_is_an_error():
    with pytest.raises(ValueError, match="there are average, flatten, max, dense"):
        resnet_with_head("hydra", seed=0)
