"""Descent in the model: what is proved of one step holds of the steps that are run."""

import math

import pytest
import torch

from gradmask import laplacian_of_gaussian
from gradmask.lab.simulation.descent import descend, rules, steps_until
from gradmask.lab.simulation.gradients import disc
from gradmask.theory import agreement, critical_strength, predict_gain

SUPPORT, KERNEL, CHANNELS = disc(3, 20), laplacian_of_gaussian(2.1), 16
SNR = SUPPORT.sum().item() ** 2 / SUPPORT.numel()  # at a strength of one


@pytest.fixture(scope="module")
def masks():
    return rules(KERNEL, SUPPORT, CHANNELS, (0.02, 0.6), grid=4)


def drop(rule, strength, runs=600):
    """Mean share of the loss that one step removes, and its standard error."""
    before, after = descend(
        rule, SUPPORT, strength, channels=CHANNELS, runs=runs, steps=1
    )
    share = 1 - after / before
    return share.mean().item(), share.std().item() / math.sqrt(runs)


@pytest.mark.parametrize("strength", [0.05, 0.4])
def test_a_step_without_a_mask_removes_the_agreement(masks, strength):
    mean, error = drop(masks["no mask"], strength)
    assert abs(mean - agreement(SNR * strength)) < 4 * error


def test_a_step_of_the_hard_mask_removes_its_own_agreement(masks):
    mean, error = drop(masks["hard"], 0.4)
    gain = predict_gain(KERNEL, SUPPORT, 0.4, CHANNELS).gain
    assert abs(mean - agreement(gain * SNR * 0.4)) < 4 * error + 0.03


def test_below_the_critical_strength_the_mask_is_switched_off(masks):
    critical = critical_strength(KERNEL, SUPPORT, CHANNELS)
    generator = torch.Generator().manual_seed(0)
    delta = torch.randn(2, CHANNELS, 20, 20, generator=generator)
    strengths = critical * torch.tensor([0.9, 1.1])
    weights, lengths = masks["hard, then none"](delta, strengths)
    hard, hard_lengths = masks["hard"](delta, strengths)
    assert weights[0].all()
    assert torch.equal(weights[1], hard[1])
    assert lengths[0] == masks["no mask"](delta, strengths)[1][0]
    assert lengths[1] == hard_lengths[1]


def test_soft_weights_have_mean_one_and_go_furthest(masks):
    generator = torch.Generator().manual_seed(0)
    delta = torch.randn(200, CHANNELS, 20, 20, generator=generator)
    delta += math.sqrt(0.05) * SUPPORT
    weights, lengths = masks["soft"](delta, torch.full((200,), 0.05))
    assert weights.mean().item() == pytest.approx(1, abs=0.05)
    assert (weights >= 0).all()
    assert 0 < lengths[0] < 1


def test_rules_with_one_seed_start_alike_and_see_the_same_noise(masks):
    first = descend(masks["no mask"], SUPPORT, 0.4, channels=8, runs=3, steps=2)
    again = descend(masks["no mask"], SUPPORT, 0.4, channels=8, runs=3, steps=2)
    assert torch.equal(first, again)
    assert first.shape == (3, 3)
    assert first[0].tolist() == pytest.approx([0.4] * 3)


def test_steps_are_counted_to_the_first_strength_below_the_target():
    strengths = torch.tensor([[1.0, 1.0], [0.1, 0.6], [0.3, 0.5]])
    assert steps_until(strengths, 0.2) == [1, math.inf]
    assert steps_until(strengths, 0.5) == [1, 2]
