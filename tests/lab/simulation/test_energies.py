"""Two numbers a position, against all channels drawn."""

import math

import pytest
import torch

from gradmask import gradient_mask, laplacian_of_gaussian
from gradmask.lab.simulation.energies import SHAPES, lateral_gains, object_of
from gradmask.lab.simulation.gradients import simulate

KERNEL = laplacian_of_gaussian(1.4)


@pytest.mark.parametrize("channels", [1, 6])
def test_the_gains_are_those_of_all_channels(channels):
    support = object_of("square", 17, 19)
    rules = {t: lambda delta, t=t: gradient_mask(delta, KERNEL, t) for t in (0.0, 1.0)}
    slow = simulate(support, 0.6, rules, channels=channels, count=3000, seed=1)
    fast = lateral_gains(KERNEL, support, 0.6, channels, (0.0, 1.0), count=3000)
    for found, measured in zip(fast, slow.values(), strict=True):
        gain = measured.gain
        reach = math.hypot(found.high - found.mean, gain.high - gain.mean)
        assert abs(found.mean - gain.mean) < 1.5 * reach
        assert reach < 0.15 * found.mean


def test_the_same_seed_draws_the_same():
    support = object_of("L", 15, 15)
    first, again, other = (
        lateral_gains(KERNEL, support, 0.5, 4, [0.5], count=60, seed=seed)[0]
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_objects_by_counting():
    near = range(-9, 10)
    sizes = {
        "L": 10 * 4 + 3 * 5,
        "annulus": sum(9 < x**2 + y**2 <= 36 for x in near for y in near),
        "corner": 6 * 7,
        "square": 7 * 7,
        "two squares": 2 * 5 * 5,
    }
    for shape in SHAPES:
        support = object_of(shape, 25, 31)
        assert support.shape == (25, 31)
        assert support.dtype == torch.bool
        assert support.sum() == sizes[shape]
    assert object_of("corner", 25, 31)[:6, :7].all()
    with pytest.raises(ValueError, match="shape must be"):
        object_of("disc", 9, 9)
