"""The square attack against the authors' reference code."""

import math

import numpy as np
import torch
from support.classifiers import examples, network, seeded

from gradmask.lab.measures.robustness.square_attack import square_attack
from gradmask.lab.networks.small import small_resnet


class TestSquareAttack:
    def setup_method(self):
        self.images, self.labels = examples(30)

    def margin(self, images):
        with torch.no_grad():
            logits = network().eval()(images).numpy()
        own = logits[np.arange(30), self.labels]
        logits[np.arange(30), self.labels] = -np.inf
        return own - logits.max(1)

    def test_more_queries_lower_the_margin_of_every_image(self):
        few, many = (
            square_attack(
                network(),
                self.images,
                self.labels,
                0.01,
                queries=queries,
                generator=seeded(),
            )
            for queries in (5, 60)
        )
        assert (self.margin(many) <= self.margin(few)).all()
        assert (self.margin(many) < self.margin(few)).any()

    def test_without_queries_the_images_wear_stripes(self):
        attacked = square_attack(
            network(), self.images, self.labels, 0.01, queries=0, generator=seeded()
        )
        inside = (self.images > 0.01) & (self.images < 0.99)
        signs = ((attacked - self.images) / 0.01).where(inside, 0.0)
        columns = signs.sum(2).sign()
        assert set(columns.unique().tolist()) == {-1.0, 1.0}
        expected = columns[:, :, None].expand_as(signs).where(inside, 0.0)
        torch.testing.assert_close(signs, expected)

    def test_is_as_strong_as_the_reference_after_as_many_queries(self):
        from pyautoattack.square import SquareAttack

        model = small_resnet(widths=(4, 6), seed=0).eval()
        images = torch.rand(400, 1, 16, 16, generator=seeded(5))
        labels = model(images).argmax(1)
        epsilon, queries = 0.02, 50
        reference = SquareAttack(
            model,
            eps=epsilon,
            n_queries=queries,
            n_restarts=1,
            seed=0,
            resc_schedule=False,
            device="cpu",
        ).perturb(images, labels)
        ours = square_attack(
            model, images, labels, epsilon, queries=queries, generator=seeded()
        )
        accuracies = [
            (model(x).argmax(1) == labels).double().mean().item()
            for x in (reference, ours)
        ]
        assert 0.1 < min(accuracies) < 0.9
        # Five standard deviations of a difference of two shares of 400 images.
        assert abs(accuracies[0] - accuracies[1]) < 5 * math.sqrt(2 * 0.25 / 400)
