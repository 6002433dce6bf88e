"""The mask as a detector, against simulation and exact moments."""

import math

import mpmath
import pytest
import torch
from scipy import stats

from gradmask import laplacian_of_gaussian
from gradmask.functional import (
    lateral_mask,
    lateral_response,
    unbalanced_laplacian_of_gaussian,
)
from gradmask.theory import (
    GainPrediction,
    detectability_map,
    energy_moments,
    false_alarm_rate,
    hit_rate,
    noise_threshold,
    predict_gain,
    selected_false_alarm_rate,
    selected_hit_rate,
    snr_gain,
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
        self.plain = support.sum() ** 2 * strength / support.numel()

    def mask(self, kernel, threshold=0.0):
        return lateral_mask(self.energy[:, None], kernel, threshold)[:, 0].float()

    def gain(self, mask):
        """Measured gain and its standard error, by jackknife over 20 parts."""
        kept = mask * self.along * self.on
        signal = kept.sum((1, 2)).double()
        other = mask * (self.across + self.along.square() * ~self.on)
        noise = other.sum((1, 2)).double()

        def of(s, n):
            return (s.mean().square() / (s.var() + n.mean()) / self.plain).item()

        part = torch.arange(len(signal)) % 20
        without = [of(signal[part != i], noise[part != i]) for i in range(20)]
        error = torch.tensor(without, **DOUBLE).std() * 19 / math.sqrt(20)
        return of(signal, noise), error.item()


# --- Energy ---------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 8, 64, 2048])
@pytest.mark.parametrize("strength", [0.0, 0.01, 0.3, 1.0, 7.0])
def test_moments_against_the_hypergeometric_function(channels, strength):
    half = mpmath.mpf(channels) / 2
    exact = mpmath.sqrt(2) * mpmath.gammaprod([half + 0.5], [half])
    exact *= mpmath.hyp1f1(-0.5, half, -mpmath.mpf(strength) * half)
    variance = 2 * half * (1 + mpmath.mpf(strength)) - exact**2
    moments = [t.item() for t in energy_moments(strength, channels)]
    assert moments == pytest.approx([float(exact), float(variance)], rel=1e-7)
    assert moments[0] == pytest.approx(float(exact), rel=1e-11)


def test_moments_of_the_central_chi():
    for channels in (1, 3, 32):
        mean, variance = energy_moments(0.0, channels)
        assert mean.item() == pytest.approx(stats.chi.mean(channels), rel=1e-12)
        assert variance.item() == pytest.approx(stats.chi.var(channels), rel=1e-10)


def test_moments_are_those_of_channel_norms():
    delta = torch.randn(200_000, 6, generator=torch.Generator().manual_seed(0))
    delta[:, 0] += math.sqrt(0.5 * 6)
    energy = delta.double().norm(dim=1)
    mean, variance = energy_moments(0.5, 6)
    error = math.sqrt(variance / len(delta))
    assert abs(energy.mean() - mean) < 4 * error
    assert abs(energy.var() - variance) < 4 * variance * math.sqrt(2 / len(delta)) * 1.1


@pytest.mark.parametrize("channels", [8, 32, 512])
def test_the_handy_approximations_and_their_errors(channels):
    def errors(strength):
        mean, variance = (t.item() for t in energy_moments(strength, channels))
        root = math.sqrt(channels * (1 + strength))
        handy = (1 + 2 * strength) / (2 * (1 + strength))
        return root / mean - 1, handy / variance - 1

    assert errors(0.0) == pytest.approx([1 / (4 * channels)] * 2, rel=0.1)
    for strength in (0.05, 0.2, 1.0, 5.0):
        assert all(abs(e) < 1.1 / (4 * channels) for e in errors(strength))


def test_moments_shapes_and_errors():
    assert energy_moments([[0.0, 1.0]], 4)[0].shape == (1, 2)
    assert energy_moments(torch.zeros(0), 4)[1].shape == (0,)
    for strength in (-0.1, math.nan, math.inf, [0.0, -1.0]):
        with pytest.raises(ValueError, match="strength"):
            energy_moments(strength, 4)
    with pytest.raises(ValueError, match="channels"):
        energy_moments(0.1, 0)


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


# --- The gain -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("radius", "sigma", "strength", "threshold", "model_error"),
    [
        (2, 1.4, 0.1, 0.0, 0.015),
        (2, 1.4, 0.2, 0.0, 0.015),
        (4, 2.8, 0.2, 0.0, 0.01),
        (6, 4.2, 0.2, 0.0, 0.01),
        (4, 1.4, 0.1, 0.0, 0.01),
        (6, 1.4, 0.1, 0.0, 0.01),
        (2, 1.4, 0.2, 1.0, 0.02),
        (4, 2.8, 0.2, 1.0, 0.015),
        (6, 4.2, 0.2, 1.0, 0.08),
    ],
)
def test_predicted_gain(radius, sigma, strength, threshold, model_error):
    support, kernel = disc(radius), laplacian_of_gaussian(sigma)
    simulation = Simulation(support, strength, 32, count=5000)
    measured, error = simulation.gain(simulation.mask(kernel, threshold))
    predicted = predict_gain(kernel, support, strength, 32, threshold).gain
    assert error < 0.015 * measured
    assert abs(measured - predicted) < 4 * error + model_error * measured


def test_fluctuation_of_correlated_bits():
    support, kernel, strength = disc(4), laplacian_of_gaussian(2.8), 0.1
    mask = Simulation(support, strength, 32, count=5000).mask(kernel)
    counts = (mask * support).sum((1, 2)).double()
    measured = strength * counts.var() / support.numel()
    predicted = predict_gain(kernel, support, strength, 32)
    assert predicted.fluctuation == pytest.approx(measured.item(), rel=0.1)
    p = counts.mean() / support.sum()
    independent = predicted.occupancy * strength * p * (1 - p)
    assert predicted.fluctuation > 3 * independent


def test_prediction_is_what_the_gain_takes():
    prediction = predict_gain(laplacian_of_gaussian(2.8), disc(4).numpy(), 0.2, 32)
    assert isinstance(prediction, GainPrediction)
    assert prediction.occupancy == disc(4).double().mean().item()
    p, q, pi, noise = prediction
    assert prediction.gain == snr_gain(p, q, pi, fluctuation=noise)


def test_prediction_far_from_the_object_and_inside_it():
    """Where the closed forms of a uniform map hold, they are what is averaged."""
    kernel, channels = laplacian_of_gaussian(1.0, size=5), 4096
    corner = torch.zeros(28, 28)
    corner[:2, :2] = 1
    for threshold in (0.0, 1.0):
        outside = predict_gain(kernel, corner, 1e-6, channels, threshold)
        centre = kernel.max().item()
        expected = selected_false_alarm_rate(threshold, centre, channels)
        assert outside.false_alarm_rate == pytest.approx(expected, rel=0.01)
        assert outside.false_alarm_rate > false_alarm_rate(threshold) * 1.005
        inside = predict_gain(kernel, corner == 0, 2.0, 16, threshold)
        t = noise_threshold(threshold, kernel, corner == 0, 2.0, 16)[16, 16].item()
        expected = selected_hit_rate(0.0, t, centre, 16, 2.0)
        assert inside.hit_rate == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("threshold", "strong"), [(0.0, 2.3), (1.0, 0.6)])
def test_the_scale_of_greatest_gain(threshold, strong):
    """A strong signal wants a wide surround without a threshold, a narrow centre with.

    In radii of the disc.
    """
    support = disc(3, 40)

    def best(strength):
        def gain(scale):
            kernel = laplacian_of_gaussian(3 * scale, size=39)
            return predict_gain(kernel, support, strength, 32, threshold).gain

        return max((0.6, 1.0, 1.4, 2.3), key=gain)

    assert best(0.1) == 1.4
    assert best(5.0) == strong
