"""Training steps that are captured once and replayed: the same steps."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from support.networks import close, plain_net

import gradmask as gm
from gradmask.lab.training.replay import WARM_UP, Replayed

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

CUDA = torch.device("cuda")


@pytest.fixture(autouse=True)
def _exact(monkeypatch):
    """Convolve in float32, lest rounding tip a decision."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


MASKS = {
    "plain": None,
    "signal": gm.GradientMask(1.0, size=5),
    "theory": gm.GradientMask.from_theory(),
    "top-k": replace(gm.GradientMask.from_theory(), select="top-k"),
    "soft": gm.SoftMask.from_theory(),
}


def labelled(seed):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(8, 2, 12, 12, generator=generator)
    return images.to(CUDA), torch.randint(3, (8,), generator=generator).to(CUDA)


def gradients_of(model):
    def gradients(images, targets):
        loss = F.cross_entropy(model(images), targets)
        loss.backward()
        return loss.detach()

    return gradients


def attached(mask, model):
    return mask.attach(model) if mask else None


@pytest.mark.parametrize("name", MASKS)
def test_a_replay_leaves_what_a_step_as_written_does(name):
    model = plain_net(dtype=torch.float32).to(CUDA)
    handle = attached(MASKS[name], model)
    replayed = Replayed(gradients_of(model), model, handle)
    for seed in range(WARM_UP + 3):
        images, targets = labelled(seed)
        model.zero_grad()
        copied = copy.deepcopy(model)
        loss = replayed(images, targets)
        measured = [p.grad.clone() for p in model.parameters()]
        attached(MASKS[name], copied)
        expected = gradients_of(copied)(images, targets)
        assert torch.allclose(loss, expected, 1e-3)
        assert close(measured, [p.grad for p in copied.parameters()], 1e-3, 1e-3)
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.1 * p.grad


def test_a_replayed_control_draws_anew():
    model = plain_net(dtype=torch.float32).to(CUDA)
    handle = gm.GradientMask(1.0, size=5, select="random", seed=0).attach(model)
    replayed, found = Replayed(gradients_of(model), model, handle), []
    for _ in range(WARM_UP + 2):
        model.zero_grad()
        replayed(*labelled(0))
        found.append([p.grad.clone() for p in model.parameters()])
    assert not close(found[-1], found[-2], 1e-3, 1e-3)


def test_a_replay_follows_the_strengths_of_a_steered_mask():
    model = plain_net(dtype=torch.float32).to(CUDA)
    handle = replace(gm.SoftMask.from_theory(), steered=True).attach(model)
    gradients = gradients_of(model)
    replayed = Replayed(gradients, model, handle)

    def measure():
        with handle.measuring():
            gradients(*labelled(1))
            gradients(*labelled(2))
        model.zero_grad()

    measure()
    for _ in range(WARM_UP + 1):
        model.zero_grad()
        replayed(*labelled(0))
    plain = [p.grad.clone() for p in model.parameters()]
    for site in handle._sites:
        site.steering.strength.fill_(1.0)
    replayed(*labelled(0))
    assert not close([p.grad for p in model.parameters()], plain, 1e-3, 1e-3)
