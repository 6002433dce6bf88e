"""AutoAttack against the closed form of a linear model."""

import math

import pytest
import torch
from support.classifiers import linear, seeded

from gradmask.lab.measures.robustness.attacks import auto_attack, robust_accuracy


class TestAutoAttack:
    def setup_method(self):
        self.model = linear()
        self.images = torch.rand(24, 1, 8, 8, generator=seeded(1))
        self.labels = self.model(self.images).argmax(1)

    def exactly_robust(self, epsilon):
        """No point of the ball is misclassified, class by class in closed form."""
        w, b = (p.detach() for p in self.model[1].parameters())
        x = self.images.flatten(1)
        worst = torch.empty(24, 10)
        for other in range(10):
            towards = w[other] - w[self.labels]
            corner = (x + epsilon * towards.sign()).clamp(0, 1)
            worst[:, other] = (corner * towards).sum(1) + b[other] - b[self.labels]
        worst.scatter_(1, self.labels[:, None], -math.inf)
        return (worst < 0).all(1)

    def attacked(self, epsilon, **options):
        return auto_attack(self.model, self.images, self.labels, epsilon, **options)

    def test_is_exact_on_a_linear_model(self):
        epsilon = 0.03
        attacked = self.attacked(epsilon)
        robust = self.model(attacked).argmax(1) == self.labels
        assert 2 < robust.sum() < 22
        assert torch.equal(robust, self.exactly_robust(epsilon))
        assert (attacked - self.images).abs().max() <= epsilon + 1e-6
        assert attacked.min() >= 0
        assert attacked.max() <= 1

    def test_leaves_network_and_random_state_alone_and_repeats_itself(self):
        torch.manual_seed(7)
        expected = torch.rand(3)
        torch.manual_seed(7)
        first, again = self.attacked(0.5), self.attacked(0.5)
        assert torch.equal(first, again)
        assert torch.equal(torch.rand(3), expected)
        assert not torch.equal(first, self.attacked(0.5, seed=1))
        assert all(p.grad is None and p.requires_grad for p in self.model.parameters())

    def test_serves_as_an_attack(self):
        assert robust_accuracy(
            self.model, self.images, self.labels, auto_attack, [0.5]
        ) == {0.5: 0.0}

    def test_what_cannot_be_attacked_is_refused(self):
        with pytest.raises(ValueError, match="must not be negative"):
            self.attacked(-0.1)
