"""Snapshots of one image against plain autograd."""

import pytest
import torch

import gradmask as gm
from gradmask.lab.measures.layers.snapshot import snapshot
from gradmask.lab.networks.small import small_resnet


def test_a_snapshot_is_that_of_evaluation_and_asks_the_mask():
    rule, image = gm.GradientMask(1.0, size=5), torch.rand(1, 1, 32, 32)
    label = torch.tensor([3])
    model = small_resnet(widths=(8, 8), seed=0).train()
    with rule.attach(model):
        at = snapshot(model, image, label, rule)
    assert model.training
    model.eval()
    features = model[:2](image).detach().requires_grad_()
    logits = model[2:](features.clone())
    loss = -logits.log_softmax(1)[0, label[0]]
    (delta,) = torch.autograd.grad(loss, features)
    torch.testing.assert_close(at.energy["2"], delta.norm(dim=1)[0])
    assert torch.equal(at.mask["2"], rule.mask(delta)[0, 0])
    probability = float(logits.detach().softmax(1)[0, label[0]])
    assert at.probability == pytest.approx(probability)
