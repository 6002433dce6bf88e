"""Corrections to the model, against sums written out and simulated gradients."""

import math

import pytest
import torch

from gradmask.theory import (
    break_even_batch,
    correlated_rate,
    effective_channels,
    snr_gain,
    varying_signal_gain,
)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_coins_on_correlated_noise(rate):
    """Energy of a masked sum of correlated variables: the double sum over positions."""
    n = 40
    position = torch.arange(n, dtype=torch.float64)
    apart = torch.minimum(*(((position[:, None] - position) * s) % n for s in (1, -1)))
    correlation = torch.exp(-apart)
    both = torch.full((n, n), rate**2, dtype=torch.float64).fill_diagonal_(rate)
    expected = ((both * correlation).sum() / correlation.sum()).item()
    area = correlation[0].sum().item()
    assert correlated_rate(rate, area) == pytest.approx(expected, rel=1e-12)


def test_white_noise_keeps_the_rate_and_wide_noise_its_square():
    rates = torch.tensor([0.2, 0.7])
    torch.testing.assert_close(correlated_rate(rates, 1.0), rates)
    torch.testing.assert_close(correlated_rate(rates, 1e9), rates.square())


def test_effective_channels_match_two_moments():
    variances = torch.tensor([4.0, 1.0, 1.0, 0.25])
    noise = torch.randn(400_000, 4, generator=torch.Generator().manual_seed(0))
    energy = (noise.square() * variances).sum(1)
    measured = 2 * energy.mean().square() / energy.var()
    assert effective_channels(variances) == pytest.approx(measured.item(), rel=0.02)
    assert effective_channels(torch.full((7,), 3.0)) == pytest.approx(7)


@pytest.mark.parametrize(("name", "kurtosis"), [("laplace", 6.0), ("uniform", 1.8)])
def test_effective_channels_of_noise_that_is_not_gaussian(name, kurtosis):
    variances = torch.tensor([4.0, 1.0, 1.0, 0.25])
    generator = torch.Generator().manual_seed(0)
    noise = 2 * torch.rand(400_000, 4, generator=generator, dtype=torch.float64) - 1
    noise *= math.sqrt(3)
    if name == "laplace":
        noise = noise.sign() * -(noise.abs() / math.sqrt(3)).log() / math.sqrt(2)
    energy = (noise.square() * variances).sum(1)
    measured = 2 * energy.mean().square() / energy.var()
    assert effective_channels(variances, kurtosis) == pytest.approx(
        measured.item(), rel=0.03
    )


@pytest.mark.parametrize("kurtosis", [1.0, 0.0, math.nan])
def test_a_kurtosis_lies_above_one(kurtosis):
    with pytest.raises(ValueError, match="kurtosis"):
        effective_channels(torch.ones(2), kurtosis)


def test_a_signal_that_varies_is_noise_on_the_object():
    p, q, pi, beta = 0.8, 0.3, 0.2, 1.7
    noise = pi * p + (1 - pi) * q
    expected = (p**2 / (noise + beta * p**2)) / (1 / (1 + beta))
    gain = snr_gain(p, q, pi)
    assert varying_signal_gain(gain, p, beta) == pytest.approx(expected)
    assert varying_signal_gain(gain, p, 0.0) == pytest.approx(gain)
    assert varying_signal_gain(gain, p, 1e9) == pytest.approx(1)


def test_at_the_break_even_batch_both_gradients_agree_equally_with_the_truth():
    gain, snr, cosine = 2.3, 0.05, 0.93
    batch = break_even_batch(gain, snr, cosine)
    plain = batch * snr / (1 + batch * snr)
    masked = cosine**2 * batch * gain * snr / (1 + batch * gain * snr)
    assert masked == pytest.approx(plain)
    assert break_even_batch(1.05, snr, cosine) < 0
    assert break_even_batch(gain, snr, torch.ones(())) == math.inf


def test_no_batch_makes_up_for_a_mean_that_points_uphill():
    """Agreement is a squared cosine, so that of -0.9 looks like that of 0.9."""
    assert break_even_batch(3.0, 0.05, 0.9) > 0
    for cosine in (0.0, -0.1, -0.9, -1.0):
        assert break_even_batch(3.0, 0.05, cosine) == pytest.approx(-1 / 0.15)
