"""Attacks against closed forms, slow rewrites and the authors' reference code."""

import math
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from support.classifiers import examples, linear, network, seeded

import gradmask as gm
from gradmask.lab.measures.robustness.attacks import (
    fgsm,
    loss_gradient,
    pgd,
    robust_accuracy,
)
from gradmask.lab.measures.robustness.square_attack import square_attack
from gradmask.lab.networks.small import small_resnet

ATTACKS = {
    "fgsm": fgsm,
    "pgd": lambda *args: pgd(*args, steps=4, restarts=2, generator=seeded()),
    "square": lambda *args: square_attack(*args, queries=8, generator=seeded()),
}
each = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)


class TestOnALinearModel:
    """With two classes the loss rises along one fixed direction of signs."""

    def setup_method(self):
        self.model = linear(classes=2)
        self.images = torch.rand(40, 1, 8, 8, generator=seeded(1))
        self.labels = self.model(self.images).argmax(1)

    def corner(self, epsilon):
        w = self.model[1].weight.detach()
        towards = (w[1 - self.labels] - w[self.labels]).sign().view_as(self.images)
        return (self.images + epsilon * towards).clamp(0, 1)

    def test_fgsm_is_the_corner_of_the_ball(self):
        attacked = fgsm(self.model, self.images, self.labels, 0.1)
        assert torch.equal(attacked, self.corner(0.1))

    def test_pgd_finds_exactly_those_that_the_corner_fools(self):
        epsilon = 0.03
        attacked = pgd(
            self.model, self.images, self.labels, epsilon, generator=seeded()
        )
        fooled = self.model(attacked).argmax(1) != self.labels
        exact = self.model(self.corner(epsilon)).argmax(1) != self.labels
        assert 0 < exact.sum() < 40
        assert torch.equal(fooled, exact)
        assert torch.equal(attacked[~fooled], self.images[~fooled])

    def test_the_square_attack_fools_none_that_the_corner_does_not(self):
        attacked = square_attack(
            self.model, self.images, self.labels, 0.03, generator=seeded()
        )
        fooled = self.model(attacked).argmax(1) != self.labels
        exact = self.model(self.corner(0.03)).argmax(1) != self.labels
        assert 0 < fooled.sum() < 40
        assert not (fooled & ~exact).any()


def slow_pgd(model, image, label, epsilon, starts, steps):
    """One image after the other, in NumPy but for the gradient."""
    low, high = np.maximum(image - epsilon, 0), np.minimum(image + epsilon, 1)
    for start in starts:
        x = np.clip(image + epsilon * start, low, high)
        for step in range(steps + 1):
            z = torch.tensor(x[None], requires_grad=True)
            logits = model(z)[0]
            if int(logits.argmax()) != label:
                return x
            if step < steps:
                (torch.logsumexp(logits, 0) - logits[label]).backward()
                x = np.clip(
                    x + 2.5 * epsilon / steps * np.sign(z.grad[0].numpy()), low, high
                )
    return image


def test_pgd_is_the_slow_loop():
    model, (images, labels) = network(), examples()
    attacked = pgd(
        model, images, labels, 0.004, steps=5, restarts=2, generator=seeded(3)
    )
    draws, model = seeded(3), model.eval()
    starts = [
        2 * torch.rand(images.shape, generator=draws, dtype=torch.float64) - 1
        for _ in range(2)
    ]
    expected = np.stack(
        [
            slow_pgd(model, x, y, 0.004, s, 5)
            for x, y, s in zip(
                images.numpy(),
                labels.tolist(),
                torch.stack(starts, 1).numpy(),
                strict=True,
            )
        ]
    )
    np.testing.assert_allclose(attacked, expected, rtol=0, atol=1e-12)
    fooled = (expected != images.numpy()).any((1, 2, 3))
    assert 0 < fooled.sum() < len(images)


def test_fgsm_follows_numerical_differences():
    model, (images, labels) = network().eval(), examples(2)
    gradient = loss_gradient(model, images, labels)
    for index in [(0, 0, 3, 4), (0, 0, 8, 8), (1, 0, 2, 11)]:
        step = torch.zeros_like(images)
        step[index] = 1e-6
        ahead, behind = (
            F.cross_entropy(model(images + sign * step), labels, reduction="sum")
            for sign in (1, -1)
        )
        slope = (ahead - behind).item() / 2e-6
        assert slope == pytest.approx(gradient[index].item(), rel=1e-4, abs=1e-7)
    attacked = fgsm(model, images, labels, 0.02)
    assert torch.equal(attacked, (images + 0.02 * gradient.sign()).clamp(0, 1))


def test_an_images_gradient_does_not_depend_on_its_company():
    model, (images, labels) = network().eval(), examples(2)
    many = 300, 1, 1, 1
    together = loss_gradient(model, images[:1].repeat(many), labels[:1].repeat(300))
    alone = loss_gradient(model, images[:1], labels[:1])
    assert torch.allclose(together, alone.expand_as(together), rtol=0, atol=1e-12)


@each
@given(epsilon=st.floats(0, 0.5), seed=st.integers(0, 50))
def test_an_attack_stays_in_the_ball_and_never_helps(attack, epsilon, seed):
    images, labels = examples(6, seed=seed)
    images[0] = images[0].round()
    attacked = attack(network(seed % 3), images, labels, epsilon)
    assert (attacked - images).abs().max() <= epsilon + 1e-15
    assert attacked.min() >= 0
    assert attacked.max() <= 1
    accuracies = robust_accuracy(network(seed % 3), images, labels, attack, [epsilon])
    clean = robust_accuracy(network(seed % 3), images, labels, attack, [0.0])[0.0]
    assert accuracies[epsilon] <= clean


@each
def test_nothing_is_changed_at_strength_zero(attack):
    images, labels = examples()
    assert torch.equal(attack(network(), images, labels, 0.0), images)
    assert torch.equal(attack(network(), images, (labels + 1) % 10, 0.0), images)


@each
def test_every_attack_finds_something(attack):
    images, labels = examples()
    assert robust_accuracy(network(), images, labels, attack, [0.0, 0.3]) == {
        0.0: 1.0,
        0.3: pytest.approx(0.3, abs=0.3),
    }


@pytest.mark.parametrize("step_size", [0.002, 0.01])
def test_more_steps_of_the_same_size_and_more_restarts_never_help(step_size):
    images, labels = examples(60)

    def accuracy(steps, restarts):
        attack = partial(
            pgd,
            steps=steps,
            restarts=restarts,
            step_size=step_size,
            generator=seeded(),
        )
        return robust_accuracy(network(), images, labels, attack, [0.02], 60)[0.02]

    by_steps = [accuracy(steps, 1) for steps in (1, 3, 10, 20)]
    assert by_steps == sorted(by_steps, reverse=True)
    assert by_steps[-1] < by_steps[0]
    assert accuracy(3, 4) <= accuracy(3, 2) <= accuracy(3, 1)


@each
def test_the_network_is_left_as_it_is(attack):
    model, (images, labels) = network().train(), examples()
    model[1].eval()
    modes = [m.training for m in model.modules()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    attack(model, images, labels, 0.02)
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


@each
@pytest.mark.parametrize("route", ["signal", "weights"])
def test_an_attached_mask_cannot_act(attack, route):
    images, labels = examples()
    model = network()
    plain = attack(model, images, labels, 0.02)
    mask = gm.GradientMask(1.0, size=3, route=route)
    with mask.attach(model.train(), allow_input_grad=True):
        assert torch.equal(attack(model, images, labels, 0.02), plain)
        masked = images.clone().requires_grad_()
        F.cross_entropy(model(masked), labels, reduction="sum").backward()
        differs = not torch.equal(masked.grad, loss_gradient(model, images, labels))
        assert differs == (route == "signal")


@each
def test_attacks_are_made_in_evaluation_mode(attack):
    torch.manual_seed(0)
    images = torch.rand(8, 1, 16, 16)
    model = small_resnet(widths=(4, 6), seed=0)
    model(images)
    labels = model.eval()(images).argmax(1)
    expected = attack(model, images, labels, 0.1)
    assert torch.equal(attack(model.train(), images, labels, 0.1), expected)


@each
def test_images_that_carry_gradients_are_attacked_all_the_same(attack):
    images, labels = examples()
    expected = attack(network(), images, labels, 0.05)
    attacked = attack(network(), images.clone().requires_grad_(), labels, 0.05)
    assert torch.equal(attacked, expected)
    assert not attacked.requires_grad


@each
def test_what_cannot_be_attacked_is_refused(attack):
    images, labels = examples(2)
    with pytest.raises(ValueError, match="must not be negative"):
        attack(network(), images, labels, -0.1)
    with pytest.raises(ValueError, match="normalise"):
        attack(network(), 2 * images - 1, labels, 0.1)
    with pytest.raises(ValueError, match="normalise"):
        attack(network(), images * math.nan, labels, 0.1)


class TestTransfer:
    def test_to_the_network_itself_is_the_white_box(self):
        model, (images, labels) = network(), examples()
        white = pgd(model, images, labels, 0.02, generator=seeded())
        same = pgd(model, images, labels, 0.02, surrogate=network(), generator=seeded())
        assert torch.equal(white, same)

    def test_follows_the_other_network_and_asks_this_one(self):
        images, labels = examples(60)
        attack = partial(pgd, surrogate=network(1), generator=seeded())
        transferred = attack(network(), images, labels, 0.05)
        fooled = network().eval()(transferred).argmax(1) != labels
        assert torch.equal(transferred[~fooled], images[~fooled])
        white = partial(pgd, generator=seeded())
        strengths = [0.05]
        accuracies = [
            robust_accuracy(network(), images, labels, a, strengths)[0.05]
            for a in (white, attack)
        ]
        assert accuracies[0] < accuracies[1] < 1


def test_pgd_is_as_strong_as_the_reference_with_as_many_steps():
    from pyautoattack.autopgd_base import APGDAttack

    model = network().float().eval()
    images = torch.rand(200, 1, 16, 16, generator=seeded(5))
    labels = model(images).argmax(1)
    epsilon = 0.004
    reference = APGDAttack(model, n_iter=20, eps=epsilon, device="cpu")
    accuracies = [
        (model(attacked).argmax(1) == labels).double().mean().item()
        for attacked in (
            reference.perturb(images, labels),
            pgd(model, images, labels, epsilon, generator=seeded()),
        )
    ]
    assert 0.1 < min(accuracies) < 0.9
    assert abs(accuracies[0] - accuracies[1]) <= 0.02
