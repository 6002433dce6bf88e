"""Gradient quality against slow loops, its limits, identities and Monte-Carlo."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradmask.quality import GradientQuality, gradient_quality
from gradmask.quality import gradient as quality

F64 = torch.float64


def shared_by_pairs(grads):
    """Mean inner product of two different samples over the mean squared norm."""
    count = len(grads)
    pairs = [
        np.dot(grads[i], grads[j]) for i in range(count) for j in range(count) if i != j
    ]
    return np.mean(pairs) / np.mean([np.dot(g, g) for g in grads])


def jackknife(grads):
    without = [shared_by_pairs(np.delete(grads, i, 0)) for i in range(len(grads))]
    return math.sqrt((len(grads) - 1) * np.var(without))


def noisy(samples, size, q):
    """Gaussian gradients of which the expectation holds a share q of the energy."""
    mean = torch.zeros(size, dtype=F64)
    mean[0] = math.sqrt(size * q / (1 - q))
    return mean + torch.randn(samples, size, dtype=F64)


@pytest.mark.parametrize("samples", [3, 8, 33])
@pytest.mark.parametrize("q", [0.0, 0.3, 0.9])
def test_gradient_quality_equals_the_loop_over_pairs(samples, q, device):
    grads = noisy(samples, 40, q)
    ours = gradient_quality(grads.float().to(device))
    assert ours.value == pytest.approx(shared_by_pairs(grads.numpy()), abs=1e-6)
    assert ours.stderr == pytest.approx(jackknife(grads.numpy()), abs=1e-6)
    assert ours.samples == samples


def test_a_mapping_is_one_long_vector(monkeypatch):
    parts = {"a": torch.randn(5, 3, 2), "b": torch.randn(5), "c": torch.randn(5, 0)}
    long = torch.cat([parts["a"].flatten(1), parts["b"][:, None]], 1)
    whole = gradient_quality(long)
    monkeypatch.setattr(quality, "_COLUMNS", 2)
    ours = gradient_quality(parts)
    assert ours.value == pytest.approx(whole.value, rel=1e-12)
    assert ours.stderr == pytest.approx(whole.stderr, rel=1e-12)


def test_limits():
    assert gradient_quality(torch.ones(4, 7)).value == 1
    assert gradient_quality(torch.ones(4, 7)).stderr == 0
    assert gradient_quality(torch.eye(4)).value == 0
    opposed = gradient_quality(torch.tensor([[1.0, 2.0], [-1.0, -2.0]]))
    assert opposed.value == -1
    assert opposed.m_coherence == 0
    assert opposed.diversity == math.inf
    assert math.isnan(opposed.stderr)
    assert math.isnan(gradient_quality(torch.zeros(4, 7)).value)
    assert math.isnan(gradient_quality(torch.tensor([[1.0], [math.inf], [1.0]])).value)


@pytest.mark.parametrize("samples", range(2, 40))
def test_rounding_never_leaves_the_bounds(samples):
    same = gradient_quality(torch.randn(1, 50).expand(samples, 50))
    assert same.value == pytest.approx(1)
    assert same.snr > 1e9
    assert same.noise_scale >= 0


def test_related_measures_at_the_ends():
    same, unrelated = (GradientQuality(q, 0.0, 4) for q in (1.0, 0.0))
    assert (same.snr, same.noise_scale) == (math.inf, 0)
    assert (same.m_coherence, same.diversity) == (4, 0.25)
    assert (unrelated.snr, unrelated.noise_scale) == (0, math.inf)
    assert (unrelated.m_coherence, unrelated.diversity) == (1, 1)
    undefined = GradientQuality(math.nan, math.nan, 4)
    assert math.isnan(undefined.snr)
    assert math.isnan(undefined.diversity)


def test_the_dictionary_of_related_measures_is_exact_for_the_estimates():
    grads = noisy(12, 30, 0.2).numpy()
    ours = gradient_quality(torch.from_numpy(grads))
    mean = grads.mean(0)
    variance = np.trace(np.cov(grads.T))
    squared_mean = mean @ mean - variance / 12
    assert ours.noise_scale == pytest.approx(variance / squared_mean)
    assert ours.snr == pytest.approx(squared_mean / variance)
    diversity = (grads**2).sum() / (grads.sum(0) ** 2).sum()
    assert ours.diversity == pytest.approx(diversity)
    assert ours.m_coherence == pytest.approx(1 / diversity)


@given(
    seed=st.integers(0, 10**6),
    samples=st.integers(2, 9),
    size=st.integers(1, 6),
    exponent=st.integers(-40, 40),
)
def test_quality_is_bounded_and_blind_to_scale(seed, samples, size, exponent):
    g = torch.randn(samples, size, generator=torch.Generator().manual_seed(seed))
    ours = gradient_quality(g)
    assert -1 / (samples - 1) <= ours.value <= 1
    assert gradient_quality(g * 2.0**exponent).value == ours.value


def test_half_precision_is_not_summed_in_half_precision():
    grads = 1000 * (1 + torch.randn(8, 500)).half()
    expected = shared_by_pairs(grads.double().numpy())
    assert gradient_quality(grads).value == pytest.approx(expected, rel=1e-5)


def test_squares_below_the_range_of_float32_count():
    grads = noisy(8, 50, 0.5).float() * 1e-30
    expected = shared_by_pairs(grads.double().numpy())
    assert gradient_quality(grads).value == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("grads", "message"),
    [
        (torch.ones(1, 3), "at least two samples"),
        (torch.ones(0, 3), "at least two samples"),
        (torch.tensor(1.0), "at least two samples"),
        ({}, "at least one tensor"),
        ({"a": torch.ones(2, 3), "b": torch.ones(3, 3)}, "same B"),
    ],
)
def test_gradient_quality_refuses(grads, message):
    with pytest.raises(ValueError, match=message):
        gradient_quality(grads)


@pytest.mark.parametrize(
    ("samples", "q", "ratio"),
    [(16, 0.0, 1.45), (8, 0.1, 1.18), (32, 0.1, 1.05), (16, 0.3, 1.03)],
)
def test_the_standard_error_is_as_wide_as_the_docstring_says(samples, q, ratio):
    count = 1500
    estimates = [gradient_quality(noisy(samples, 100, q)) for _ in range(count)]
    values = np.array([e.value for e in estimates])
    errors = np.array([e.stderr for e in estimates])
    deviation = values.std(ddof=1)
    # Relative error of a standard deviation, and of the mean of the jackknife's.
    relative = math.sqrt(1 / (2 * count) + (errors.std() / errors.mean()) ** 2 / count)
    assert errors.mean() / deviation == pytest.approx(ratio, rel=0.04 + 3 * relative)
    # The ratio's own bias is a small part of its spread.
    assert abs(values.mean() - q) < (0.1 + 4 / math.sqrt(count)) * deviation
