"""Moments of the error energy, against exact ones and draws."""

import math

import mpmath
import pytest
import torch
from scipy import stats

from gradmask.theory import energy_moments
from gradmask.theory.energy import third_cumulant


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


@pytest.mark.parametrize("strength", [0.0, 0.3, 2.0])
def test_the_third_cumulant_is_that_of_the_exact_distribution(strength):
    for channels, error in ((8, 0.2), (32, 0.05), (128, 0.02)):
        power = stats.ncx2 if strength else stats.chi2
        shape = (channels, channels * strength)[: 1 + bool(strength)]
        mean = power.expect(math.sqrt, args=shape)
        exact = power.expect(lambda e2, mean=mean: (e2**0.5 - mean) ** 3, args=shape)
        found = third_cumulant(torch.tensor(strength), channels).item()
        assert found == pytest.approx(exact, rel=error)
