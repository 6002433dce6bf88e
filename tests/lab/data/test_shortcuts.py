"""Backgrounds that mislead: the objects stay, the stripes tell what they should."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import gradmask as gm
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import cluttered_scenes
from gradmask.lab.data.shortcuts import (
    misleading,
    shown_classes,
    stripe_response,
    striped,
)


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


@pytest.mark.parametrize("period", [8, 16])
def test_stripes_repeat_after_a_period(scenes, period):
    few = replace(
        scenes[0], images=torch.zeros(1, 1, 32, 32), mask=scenes.mask[:1] & False
    )
    image = striped(few, torch.tensor([0]), period=period).images[0, 0]
    assert torch.allclose(image[:, period:], image[:, :-period], atol=1e-6)
    assert image.max() > 1.9 * 0.1 > 0.1 > image.min()


def test_what_is_told_is_a_class_and_agrees_as_often_as_asked():
    labels = torch.arange(10).repeat(500)
    said = shown_classes(labels, 0.3, seed=0)
    assert set(said.tolist()) == set(range(10))
    assert (said == labels).double().mean().item() == pytest.approx(0.3, abs=0.03)
    assert not (shown_classes(labels, 0.0, seed=0) == labels).any()


@pytest.mark.parametrize(("sigma", "period"), [(2, 4), (2, 8), (2, 32), (4, 16)])
def test_kernels_answer_to_stripes_as_calculated(sigma, period):
    kernel = gm.laplacian_of_gaussian(sigma, size=12 * sigma + 1).double()
    across = kernel.sum(0).numpy()
    places = np.arange(len(across)) - len(across) // 2
    periods = np.linspace(2, 64, 2000)
    gains = [abs(across @ np.cos(2 * np.pi * places / p)) for p in periods]
    gain = abs(across @ np.cos(2 * np.pi * places / period))
    assert gain / max(gains) == pytest.approx(stripe_response(sigma, period), abs=0.02)
