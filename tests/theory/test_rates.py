"""The gain and the rates, against simulation and exact values."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from gradmask import laplacian_of_gaussian
from gradmask.theory import (
    energy_moments,
    false_alarm_rate,
    hit_rate,
    noise_selection,
    selected_false_alarm_rate,
    selected_hit_rate,
    snr_gain,
)

DOUBLE = {"dtype": torch.float64}
share = st.floats(0.01, 1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# --- The gain -------------------------------------------------------------------------


def snr(gradients):
    """SNR of per-sample gradients (N, C), and of each of 20 parts, for its error."""

    def of(g):
        centred = g - g.mean(0)
        variance = centred.square().sum() / (len(g) - 1)
        return (g.mean(0).square().sum() - variance / len(g)) / variance

    parts = gradients.chunk(20)
    return of(gradients), torch.stack([of(part) for part in parts])


def assert_gain(masked, plain, expected):
    """The measured gain is as expected, within four standard errors."""
    (above, aboves), (below, belows) = snr(masked), snr(plain)
    error = (aboves / belows).std() / math.sqrt(20)
    assert error < 0.03 * expected  # else the test would say little
    assert abs(above / below - expected) < 4 * error


def sample(count, strength, activation, channels=4, seed=0):
    """Contributions delta(x) a(x) of samples, with the signal on the first 12 of 64."""
    on = torch.arange(64) < 12
    noise = torch.randn(count, 64, channels, generator=seeded(seed), **DOUBLE)
    signal = on[:, None] * math.sqrt(strength)
    return on, activation[:, None] * noise, activation[:, None] * signal


def random_bits(count, on, p, q, seed=1):
    chance = torch.where(on, p, q)
    bits = torch.rand(count, len(on), generator=seeded(seed)) < chance
    return bits[..., None].double()


@pytest.mark.parametrize(
    ("p", "q", "louder", "strength"),
    [(0.9, 0.2, 1, 0.5), (0.9, 0.2, 3, 0.5), (0.4, 0.4, 1, 0.5), (0.6, 0.3, 2, 20.0)],
)
def test_gain_of_a_mask_that_does_not_look_at_the_noise(p, q, louder, strength):
    activation = torch.ones(64, **DOUBLE)
    activation[:12] *= louder
    on, noise, signal = sample(20000, strength, activation)
    m = random_bits(20000, on, p, q)
    occupancy = activation[on].square().sum() / activation.square().sum()
    fluctuation = occupancy * strength * p * (1 - p)  # independent bits
    expected = snr_gain(p, q, occupancy.item(), fluctuation=fluctuation.item())
    assert_gain((m * (noise + signal)).sum(1), (noise + signal).sum(1), expected)


def test_fluctuation_of_a_mask_whose_bits_stand_or_fall_together():
    on, noise, signal = sample(20000, 2.0, torch.ones(64, **DOUBLE))
    p, q = 0.8, 0.3
    m = random_bits(20000, on, p, q)
    m[:, on] = m[:, :1]
    variance = 12**2 * p * (1 - p)
    expected = snr_gain(p, q, 12 / 64, fluctuation=2.0 * variance / 64)
    assert_gain((m * (noise + signal)).sum(1), (noise + signal).sum(1), expected)


def test_a_signal_that_varies_between_samples():
    p, q, strength, spread = 0.9, 0.2, 0.5, 0.3
    on, noise, signal = sample(40000, strength, torch.ones(64, **DOUBLE))
    m = random_bits(40000, on, p, q)
    vary = spread * torch.randn(40000, 1, 4, generator=seeded(2), **DOUBLE)
    delta = noise + signal + on[:, None] * vary
    beta = 12**2 * spread**2 / 64
    pi, flutter = 12 / 64, strength * 12 * p * (1 - p) / 64
    flutter += spread**2 * 12 * p * (1 - p) / 64
    denominator = pi * p + (1 - pi) * q + flutter
    expected = p**2 * (1 + beta) / (denominator + beta * p**2)
    assert_gain((m * delta).sum(1), delta.sum(1), expected)


def test_noise_that_is_correlated_over_patches():
    p, q, strength, patch = 0.9, 0.2, 0.5, 4
    on, noise, signal = sample(20000, strength, torch.ones(64, **DOUBLE))
    m = random_bits(20000, on, p, q)
    delta = noise[:, ::patch].repeat_interleave(patch, 1) + signal
    pi, flutter = 12 / 64, strength * 12 * p * (1 - p) / 64 / patch
    p_, q_ = ((r + (patch - 1) * r**2) / patch for r in (p, q))
    expected = p**2 / (pi * p_ + (1 - pi) * q_ + flutter)
    assert_gain((m * delta).sum(1), delta.sum(1), expected)


@given(share, share)
def test_a_random_mask_gains_its_keep_rate(p, pi):
    assert snr_gain(p, p, pi) == pytest.approx(p)


@given(share)
def test_a_perfect_mask_gains_one_over_the_occupancy(pi):
    assert snr_gain(1, 0, pi) == pytest.approx(1 / pi)


@given(share, share, share)
def test_a_mask_helps_if_and_only_if(p, q, pi):
    margin = p**2 - (pi * p + (1 - pi) * q)
    assert abs(margin) < 1e-9 or (snr_gain(p, q, pi) > 1) == (margin > 0)


@given(share, share, share, st.floats(0, 10))
def test_fluctuation_only_hurts(p, q, pi, noise):
    gain = snr_gain(p, q, pi, fluctuation=noise)
    assert gain == pytest.approx(p**2 / (p**2 / snr_gain(p, q, pi) + noise))


def test_louder_activations_on_the_object_leave_less_to_gain():
    area = 80 / 784
    assert snr_gain(1, 0, area) == pytest.approx(9.8)
    assert snr_gain(1, 0, 9 * area / (1 + 8 * area)) == pytest.approx(1.98, abs=0.005)


def test_a_mask_that_keeps_nothing_has_no_gain():
    assert math.isnan(snr_gain(0, 0, 0.5))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((-0.1, 0.5, 0.5), "hit_rate"),
        ((0.5, [-0.1, 0.2], 0.5), "false_alarm_rate"),
        ((0.5, 0.5, 1.1), "occupancy"),
        ((0.5, 0.5, -0.1), "occupancy"),
    ],
)
def test_gain_errors(arguments, name):
    with pytest.raises(ValueError, match=name):
        snr_gain(*arguments)


def test_a_fluctuation_below_all_noise_is_an_error():
    assert snr_gain(0.5, 0.5, 0.5, fluctuation=-0.1) == pytest.approx(0.25 / 0.4)
    with pytest.raises(ValueError, match="fluctuation"):
        snr_gain(0.5, 0.5, 0.5, fluctuation=-0.6)


# --- Rates ----------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [-1.5, 0.0, 0.7, 3.0])
def test_rates_of_normal_responses(threshold):
    normal = torch.randn(10**6, generator=seeded(), **DOUBLE)
    for d in (0.0, 0.8):
        expected = hit_rate(d, threshold)
        error = math.sqrt(expected * (1 - expected) / len(normal))
        measured = (normal + d > threshold).double().mean().item()
        assert abs(measured - expected) < 4 * error


def test_rates_exactly():
    assert false_alarm_rate(0.0) == 0.5
    assert false_alarm_rate(1.0) == pytest.approx(0.15865525393145707, rel=1e-14)
    assert false_alarm_rate(10.0) == pytest.approx(7.619853024160527e-24, rel=1e-10)
    assert hit_rate(1.0, 0.0) == pytest.approx(0.8413447460685429, rel=1e-14)


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_rates_are_symmetric(d, threshold):
    assert hit_rate(d, threshold) + hit_rate(threshold, d) == pytest.approx(1)
    assert false_alarm_rate(threshold) == hit_rate(0.0, threshold)


# --- Selection ------------------------------------------------------------------------


def deltas(strength, channels, count=150, side=58):
    """The part of delta along the signal, its square across it, and both as noise."""
    shape = (count, side, side)
    along = torch.randn(shape, generator=seeded(channels), **DOUBLE)
    half = torch.full(shape, (channels - 1) / 2, **DOUBLE)
    with torch.random.fork_rng():
        torch.manual_seed(channels)
        across = 2 * torch._standard_gamma(half)
    signal = math.sqrt(strength * channels)
    return along + signal, across, along.square() + across


@pytest.mark.parametrize("channels", [8, 32, 128])
@pytest.mark.parametrize("strength", [0.0, 0.2, 2.0])
@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_what_selection_keeps(channels, strength, threshold):
    kernel = laplacian_of_gaussian(1.4, **DOUBLE)
    margin, centre = len(kernel) // 2, kernel.max().item()
    along, across, noise = deltas(strength, channels)
    energy = (along.square() + across).sqrt()
    response = F.conv2d(energy[:, None], kernel[None, None])[:, 0]
    unit = energy_moments(strength, channels)[1].sqrt()
    kept = (response > threshold * unit).double()
    along, noise = (t[:, margin:-margin, margin:-margin] for t in (along, noise))

    def assert_share(values, expected):
        shares = (kept * values).mean((1, 2)) / values.mean()
        error = shares.std() / math.sqrt(len(shares))
        first_order = 0.03 / math.sqrt(channels)
        assert error < 0.002
        assert abs(shares.mean() - expected) < 4 * error + first_order

    selection = threshold, centre, channels
    assert_share(noise, selected_hit_rate(0.0, *selection, strength))
    if strength:
        assert_share(along, selected_hit_rate(0.0, *selection, strength))
    else:
        assert_share(noise, selected_false_alarm_rate(*selection))
        boost = (kept * noise).sum() / (kept.sum() * channels)
        tolerance = 0.03 / math.sqrt(channels) / false_alarm_rate(threshold)
        assert abs(boost - 1 - noise_selection(*selection)) < tolerance


@given(st.floats(0.1, 1), st.integers(1, 2048))
def test_selection_without_a_threshold(centre, channels):
    expected = 2 * centre / math.sqrt(math.pi * channels)
    assert noise_selection(0.0, centre, channels) == pytest.approx(expected)


@given(st.floats(-3, 6), st.floats(0.1, 1), st.integers(1, 2048))
def test_selection_from_the_density(threshold, centre, channels):
    q = false_alarm_rate(threshold)
    hazard = math.exp(-(threshold**2) / 2) / math.sqrt(2 * math.pi) / q
    energy = channels + math.sqrt(2 * channels) * centre * hazard
    energy += centre**2 * threshold * hazard / 2
    kappa = noise_selection(threshold, centre, channels)
    assert 1 + kappa == pytest.approx(energy / channels)
    selected = selected_false_alarm_rate(threshold, centre, channels)
    assert selected == pytest.approx(q * energy / channels)


@given(st.floats(-3, 3), st.floats(0.1, 1), st.floats(0, 5))
def test_selection_vanishes_with_many_channels(d, centre, strength):
    many = 10**10
    assert noise_selection(d, centre, many) == pytest.approx(0, abs=1e-4)
    selected = selected_hit_rate(d, 0.5, centre, many, strength)
    assert selected == pytest.approx(hit_rate(d, 0.5), abs=1e-4)


def test_selection_at_a_high_threshold_is_finite():
    assert noise_selection(50.0, 0.7, 32) == pytest.approx(
        0.7 * 0.25 * 50.02 + 0.49 * 50 * 50.02 / 64, rel=1e-4
    )


@pytest.mark.parametrize("channels", [0, -1, math.nan])
def test_channels_must_be_positive(channels):
    with pytest.raises(ValueError, match="channels"):
        noise_selection(0.0, 0.7, channels)
    with pytest.raises(ValueError, match="channels"):
        selected_hit_rate(0.0, 0.0, 0.7, channels, 0.1)


def test_strength_must_not_be_negative():
    with pytest.raises(ValueError, match="strength"):
        selected_hit_rate(0.0, 0.0, 0.7, 32, -0.1)


# --- Numbers, arrays, tensors ---------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (snr_gain, (0.9, 0.3, 0.25)),
        (false_alarm_rate, (0.5,)),
        (hit_rate, (1.5, 0.5)),
        (noise_selection, (0.5, 0.7, 32)),
        (selected_false_alarm_rate, (0.5, 0.7, 32)),
        (selected_hit_rate, (1.0, 0.5, 0.7, 32, 0.2)),
    ],
)
def test_floats_give_floats_and_anything_else_a_tensor(function, arguments):
    expected = function(*arguments)
    assert type(expected) is float
    assert type(function(*map(np.float64, arguments))) is float
    for make in (np.asarray, torch.tensor):
        result = function(*map(make, arguments))
        assert isinstance(result, torch.Tensor)
        assert result.item() == pytest.approx(expected, rel=1e-6)
    for position in range(len(arguments)):
        mixed = list(arguments)
        mixed[position] = torch.full((2, 1), mixed[position], dtype=torch.float32)
        result = function(*mixed)
        assert result.shape == (2, 1)
        assert result.dtype == torch.float32
        torch.testing.assert_close(result, torch.full((2, 1), expected))


def test_lists_integers_and_broadcasting():
    gain = snr_gain([1, 0.5], torch.tensor([[0], [1]]), np.array([0.5, 0.25]))
    assert gain.shape == (2, 2)
    assert gain[0, 0] == 2
    assert snr_gain(1, 0, torch.tensor([1, 1])).tolist() == [1, 1]
