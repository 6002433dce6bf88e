"""Backgrounds that mislead: the objects stay, the stripes tell what they should."""

import math

import numpy as np
import pytest
import torch

from gradmask.lab.backgrounds import misleading, striped
from gradmask.lab.data import load_fashion_mnist
from gradmask.lab.scenes import cluttered_scenes


@pytest.fixture(scope="module")
def scenes():
    return cluttered_scenes(load_fashion_mnist().train, 1000, seed=0)


def test_stripes_are_added_beside_the_object_only(scenes):
    classes = (scenes.labels + 3) % 10
    found = striped(scenes, classes, strength=0.2)
    for i in range(5):
        phi = math.pi * classes[i].item() / 10
        for y, x in np.ndindex(32, 32):
            before = scenes.images[i, 0, y, x].item()
            wave = math.sin(math.pi / 2 * (x * math.cos(phi) + y * math.sin(phi)))
            bright = min(before + 0.2 * (1 + wave), 1)
            wanted = before if scenes.mask[i, y, x] else bright
            assert found.images[i, 0, y, x].item() == pytest.approx(wanted, abs=1e-5)
    assert torch.equal(found.labels, scenes.labels)


@pytest.mark.parametrize("agreement", [0.0, 0.8, 1.0])
def test_backgrounds_agree_as_often_as_asked(scenes, agreement):
    found = misleading(scenes, agreement, seed=1)
    own = striped(scenes, scenes.labels).images
    agreeing = (found.images == own).flatten(1).all(1).double().mean().item()
    spread = math.sqrt(agreement * (1 - agreement) / len(own))
    assert abs(agreeing - agreement) <= 4 * spread
    others = [
        striped(scenes, torch.full_like(scenes.labels, c)).images for c in range(10)
    ]
    known = torch.stack([(found.images == o).flatten(1).all(1) for o in others])
    assert known.any(0).all()


def test_the_seed_decides(scenes):
    first, again, other = (misleading(scenes, 0.5, seed=s).images for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_agreement_is_a_share(scenes):
    with pytest.raises(ValueError, match="agreement"):
        misleading(scenes, 1.5, seed=0)
