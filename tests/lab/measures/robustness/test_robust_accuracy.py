"""Accuracy under attack, counted image by image."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from support.classifiers import examples, network
from torch import nn

from gradmask.lab.measures.robustness.attacks import fgsm, robust_accuracy


class TestRobustAccuracy:
    def test_an_image_counts_if_it_is_right_before_and_after(self):
        model = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False))
        model[1].weight.data[:] = torch.tensor([[1.0], [0.0]])
        images = torch.tensor([0.5, 0.5, 0.5, 0.5]).view(4, 1, 1, 1)
        labels = torch.tensor([0, 0, 0, 1])

        def attack(model, images, labels, epsilon):
            seen.append(len(images))
            changed = images.clone()
            changed[0] = -epsilon
            return changed

        seen = []
        # Of the three that are right, each batch of the first two loses its first.
        accuracy = robust_accuracy(model, images, labels, attack, [1.0], batch_size=2)
        assert accuracy == {1.0: 0.25}
        assert seen == [2, 1]

    def test_batches_without_anything_to_attack_are_passed_over(self):
        images, labels = examples(4)
        wrong = (labels + 1) % 10
        assert robust_accuracy(network(), images, wrong, fgsm, [0.0, 0.1]) == {
            0.0: 0.0,
            0.1: 0.0,
        }

    @given(st.integers(1, 9))
    def test_does_not_depend_on_the_batches(self, batch_size):
        images, labels = examples(9)
        labels[::4] = (labels[::4] + 1) % 10
        accuracies = robust_accuracy(
            network(), images, labels, fgsm, [0.0, 0.01], batch_size
        )
        model = network().eval()
        attacked = fgsm(model, images, labels, 0.01)
        clean = model(images).argmax(1) == labels
        both = clean & (model(attacked).argmax(1) == labels)
        assert accuracies == {0.0: clean.sum() / 9, 0.01: both.sum() / 9}
