"""Corruptions against SciPy, NumPy and the moments they promise."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import cluttered_scenes
from gradmask.lab.measures.corruptions import (
    CORRUPTIONS,
    corrupt,
    corrupted_accuracy,
)
from gradmask.lab.networks.small import small_cnn

every = pytest.mark.parametrize("kind", CORRUPTIONS)
severities = pytest.mark.parametrize("severity", range(1, 6))


def corrupted(images, kind, severity, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return corrupt(images, kind, severity, generator=generator)


def pictures(count=3, channels=2):
    generator = torch.Generator().manual_seed(9)
    shape = (count, channels, 20, 24)
    return torch.rand(shape, generator=generator, dtype=torch.float64)


@severities
def test_noise_is_normal_and_clipped(severity):
    strength = CORRUPTIONS["noise"][severity - 1]
    grey = torch.full((64, 1, 40, 40), 0.5, dtype=torch.float64)
    values = corrupted(grey, "noise", severity).numpy()
    count = values.size
    inside = math.erf(0.5 / strength / math.sqrt(2))
    share = np.mean((values > 0) & (values < 1))
    assert share == pytest.approx(inside, abs=5 * math.sqrt(0.25 / count))
    # Quartiles are not touched by clipping; their standard error is 1.36 s / sqrt(n).
    quartiles = np.quantile(values, [0.25, 0.5, 0.75])
    expected = 0.5 + strength * np.array([-0.67449, 0, 0.67449])
    assert quartiles == pytest.approx(expected, abs=5 * 1.37 * strength / count**0.5)
    neighbours = values[..., 1:] - 0.5, values[..., :-1] - 0.5
    correlation = np.mean(neighbours[0] * neighbours[1]) / np.var(values)
    assert abs(correlation) < 5 / count**0.5


@severities
def test_blur_is_that_of_scipy(severity):
    strength = CORRUPTIONS["blur"][severity - 1]
    images = pictures()
    expected = ndimage.gaussian_filter(
        images.numpy(),
        strength,
        mode="mirror",
        axes=(2, 3),
        radius=math.ceil(3 * strength),
    )
    np.testing.assert_allclose(corrupted(images, "blur", severity), expected, atol=1e-7)


@severities
def test_contrast_is_a_share_of_the_distance_to_the_mean(severity):
    share = CORRUPTIONS["contrast"][severity - 1]
    images = pictures()
    expected = np.empty_like(images.numpy())
    for b, c in np.ndindex(*images.shape[:2]):
        channel = images[b, c].numpy()
        expected[b, c] = (1 - share) * channel.mean() + share * channel
    np.testing.assert_allclose(corrupted(images, "contrast", severity), expected)


@every
def test_each_severity_departs_further(kind):
    images = pictures()
    distances = [
        (corrupted(images, kind, severity) - images).square().mean().item()
        for severity in range(1, 6)
    ]
    assert distances == sorted(distances)
    assert distances[0] > 0


@every
@severities
def test_images_stay_images(kind, severity):
    images = pictures().float().round()
    before = images.clone()
    changed = corrupted(images, kind, severity)
    assert changed.shape == images.shape
    assert changed.dtype == images.dtype
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert torch.equal(images, before)


@every
def test_only_the_noise_depends_on_the_seed_and_repeats_with_it(kind):
    images = pictures()
    first, again, other = (corrupted(images, kind, 3, seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (kind != "noise")


def test_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match="'fog'; there are noise, blur, contrast"):
        corrupted(pictures(), "fog", 1)
    for severity in (0, 6, 1.5):
        with pytest.raises(ValueError, match="severity must be"):
            corrupted(pictures(), "blur", severity)


def test_corrupted_accuracy_is_the_mean_over_kinds_and_severities():
    images = cluttered_scenes(load_fashion_mnist().test, 30, seed=0)
    model = small_cnn(seed=0).eval()
    right = []
    for kind in CORRUPTIONS:
        for severity in (2, 4):
            changed = corrupted(images.images, kind, severity, seed=severity)
            right += (model(changed).argmax(1) == images.labels).tolist()
    assert corrupted_accuracy(model, images, (2, 4)) == pytest.approx(np.mean(right))
