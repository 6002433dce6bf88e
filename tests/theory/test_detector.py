"""The mask as a detector, against simulation."""

import math

import pytest
import torch

from gradmask import laplacian_of_gaussian
from gradmask.functional import (
    lateral_mask,
    lateral_response,
    unbalanced_laplacian_of_gaussian,
)
from gradmask.theory import (
    detectability_map,
    hit_rate,
    noise_threshold,
    predict_gain,
)

DOUBLE = {"dtype": torch.float64}


def disc(radius, side=28, centre=None):
    axis = torch.arange(side) - (side // 2 if centre is None else centre)
    return axis.square()[:, None] + axis.square() <= radius**2


class Simulation:
    """Error maps of the model, of which only the part along the signal is needed."""

    def __init__(self, support, strength, channels, count, seed=0):
        shape = (count, *support.shape)
        self.on = support
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            along = torch.randn(shape)
            self.across = 2 * torch._standard_gamma(
                torch.full(shape, (channels - 1) / 2)
            )
        self.along = along + support * math.sqrt(strength * channels)
        self.energy = (self.along.square() + self.across).sqrt()

    def mask(self, kernel, threshold=0.0):
        return lateral_mask(self.energy[:, None], kernel, threshold)[:, 0].float()


# --- Detectability --------------------------------------------------------------------

OBJECTS = [
    (disc(4, 20, centre=8), laplacian_of_gaussian(1.4), 0.2),
    (disc(4, 20, centre=3), laplacian_of_gaussian(2.8), 1.0),
    (disc(3, 20), unbalanced_laplacian_of_gaussian(1.4, size=5), 0.4),
]


@pytest.mark.parametrize(("support", "kernel", "strength"), OBJECTS)
def test_detectability_is_that_of_responses(support, kernel, strength):
    count = 20000
    energy = Simulation(support, strength, 8, count).energy
    response = lateral_response(energy[:, None], kernel)[:, 0].double()
    measured = response.mean(0) / response.std(0)
    d = detectability_map(kernel, support, strength, channels=8)
    error = ((1 + d.square() / 2) / count).sqrt()
    assert ((measured - d).abs() < 4.8 * error).all()  # 400 positions, border included


@pytest.mark.parametrize(("support", "kernel", "strength"), OBJECTS[:2])
@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_how_often_a_position_is_kept(support, kernel, strength, threshold):
    channels, count = 32, 10000
    kept = Simulation(support, strength, channels, count).mask(kernel, threshold)
    d = detectability_map(kernel, support, strength, channels)
    theta = noise_threshold(threshold, kernel, support, strength, channels)
    expected = hit_rate(d, theta)
    error = (expected * (1 - expected) / count).sqrt()
    not_quite_normal = 0.01 if threshold == 0 else 0.03
    difference = (kept.mean(0) - expected).abs()
    assert (difference < 4.8 * error + not_quite_normal).all()
    assert difference.mean() < error.mean() + not_quite_normal / 2


def test_three_regions():
    support, kernel = disc(4), laplacian_of_gaussian(2.8)
    d = detectability_map(kernel, support, 0.2, channels=32)
    ring = disc(9) & ~disc(6)
    assert (d[support] > 0).all()
    assert (d[ring] < 0).all()
    assert d[ring].mean() < -0.3
    assert d[0].abs().max() < 0.01


def test_a_weak_signal():
    support, kernel, channels = disc(4), laplacian_of_gaussian(2.8, **DOUBLE), 2048
    d = detectability_map(kernel, support, 1e-3, channels)
    seen = lateral_response(support[None, None].double(), kernel)[0, 0]
    expected = 1e-3 * math.sqrt(channels / 2) * seen
    inside = slice(9, -9), slice(9, -9)  # reflection raises the variance at the border
    torch.testing.assert_close(d[inside], expected[inside], rtol=2e-3, atol=1e-5)


def test_the_norm_of_the_kernel_does_not_matter():
    support, kernel = disc(3, 15), laplacian_of_gaussian(1.4, **DOUBLE)
    for function in (detectability_map, predict_gain):
        a, b = (function(k, support, 0.3, 16) for k in (kernel, 7 * kernel))
        torch.testing.assert_close(torch.as_tensor(a), torch.as_tensor(b))


def test_the_threshold_in_units_of_noise():
    kernel, nothing = laplacian_of_gaussian(1.4), torch.zeros(28, 28)
    middle = noise_threshold(1.0, kernel, nothing, 0.5, channels=32)[14, 14]
    assert 1 < middle < 1.05  # only the border is louder
    theta = noise_threshold(1.0, kernel, disc(4), 0.5, channels=32)
    assert theta[14, 14] < theta[1:-1, 1:-1].max()  # louder noise on the object
    assert theta[5, 14] > 1.1 * middle  # the object counts in the mask's own unit
    d = detectability_map(kernel, disc(4), 0.5, 32)
    s = d * 1.0
    assert torch.equal(
        noise_threshold(0.0, kernel, disc(4), 0.5, 32), torch.zeros_like(s)
    )
    double = noise_threshold(2.0, kernel, disc(4), 0.5, 32)
    torch.testing.assert_close(double, 2 * theta)


def test_support_errors():
    kernel = laplacian_of_gaussian(1.4)
    with pytest.raises(ValueError, match=r"shape \(H, W\)"):
        detectability_map(kernel, torch.zeros(1, 28, 28), 0.1, 8)
    with pytest.raises(ValueError, match="smaller than"):
        detectability_map(kernel, torch.zeros(9, 28), 0.1, 8)
    for support in (torch.zeros(28, 28), torch.ones(28, 28)):
        with pytest.raises(ValueError, match="neither empty nor the whole"):
            predict_gain(kernel, support, 0.1, 8)
