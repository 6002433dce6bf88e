"""Kernels: the contract, the golden numbers, and what holds for every scale."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import oracle

import gradmask as gm

BALANCED = [gm.laplacian_of_gaussian, gm.functional.difference_of_gaussians]
ALL = [*BALANCED, gm.functional.unbalanced_laplacian_of_gaussian]
sigmas = st.floats(0.3, 8)
sizes = st.none() | st.integers(1, 12).map(lambda n: 2 * n + 1)


@pytest.mark.parametrize("make", BALANCED)
@given(sigma=sigmas, size=sizes)
def test_balanced_kernels_are_what_they_promise(make, sigma, size):
    kernel = make(sigma, size=size, dtype=torch.float64)
    n = len(kernel)
    assert kernel.shape == (n, n)
    assert n % 2 == 1
    assert size is None or n == size
    assert abs(kernel.sum()) < 1e-10
    assert math.isclose(kernel.norm(), 1, rel_tol=1e-12)
    assert kernel[n // 2, n // 2] == kernel.max() > 0
    for same in (kernel.T, kernel.flip(0), kernel.flip(1)):
        assert torch.allclose(kernel, same, rtol=0, atol=1e-12)


@given(sigma=sigmas, size=sizes)
def test_laplacian_of_gaussian_equals_the_oracle(sigma, size):
    kernel = gm.laplacian_of_gaussian(sigma, size, dtype=torch.float64)
    assert np.allclose(kernel, oracle.log_kernel(sigma, len(kernel)), atol=1e-9)


@given(sigma=sigmas, ratio=st.floats(1.2, 4), size=sizes)
def test_difference_of_gaussians_equals_the_oracle(sigma, ratio, size):
    kernel = gm.functional.difference_of_gaussians(
        sigma, ratio, size, dtype=torch.float64
    )
    expected = oracle.dog_kernel(sigma, ratio, len(kernel))
    assert np.allclose(kernel, expected, atol=1e-9)


@given(sigma=sigmas, size=sizes)
def test_unbalanced_kernel_equals_the_oracle(sigma, size):
    kernel = gm.functional.unbalanced_laplacian_of_gaussian(
        sigma, size, dtype=torch.float64
    )
    expected = oracle.sampled_log(sigma, len(kernel))
    assert np.allclose(kernel, expected / np.linalg.norm(expected), atol=1e-12)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 1.4, 2.0, 7.3])
def test_sizes_follow_from_sigma(sigma):
    assert len(gm.laplacian_of_gaussian(sigma)) == 2 * math.ceil(3 * sigma) + 1
    wide = 2 * math.ceil(3 * 1.6 * sigma) + 1
    assert len(gm.functional.difference_of_gaussians(sigma)) == wide
    wider = 2 * math.ceil(3 * 2.5 * sigma) + 1
    assert len(gm.functional.difference_of_gaussians(sigma, ratio=2.5)) == wider


@pytest.mark.parametrize(
    ("sigma", "size", "share"), [(1.4, 5, 0.58), (1.4, 9, 0.017), (1.0, 5, 0.12)]
)
def test_sampled_kernels_are_not_balanced(sigma, size, share):
    kernel = gm.functional.unbalanced_laplacian_of_gaussian(sigma, size)
    measured = float(kernel.sum() / kernel.abs().sum())
    assert measured == pytest.approx(share, rel=0.03)


def test_sigma_11_on_5x5_inhibits_nothing():
    assert (gm.functional.unbalanced_laplacian_of_gaussian(11, 5) > 0).all()
    assert (gm.laplacian_of_gaussian(11, 5) < 0).any()


@pytest.mark.parametrize("make", ALL)
def test_dtype_is_the_default_one_unless_asked(make):
    assert make(1.0).dtype == torch.float32
    assert make(1.0, dtype=torch.float64).dtype == torch.float64
    assert torch.allclose(make(1.0).double(), make(1.0, dtype=torch.float64))


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("sigma", [0, -1, float("nan"), float("inf")])
def test_sigma_must_be_positive_and_finite(make, sigma):
    with pytest.raises(ValueError, match="sigma must be positive and finite"):
        make(sigma)


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("size", [4, 1, 0, -3, 5.5])
def test_size_must_be_odd_and_at_least_three(make, size):
    with pytest.raises(ValueError, match="size must be an odd integer"):
        make(1.0, size=size)


@pytest.mark.parametrize("ratio", [1, 0.5, 1 + 1e-9, float("inf"), float("nan")])
def test_ratio_must_be_finite_and_above_one(ratio):
    with pytest.raises(ValueError, match="ratio must be finite and above 1"):
        gm.functional.difference_of_gaussians(1.0, ratio)


@pytest.mark.parametrize("make", BALANCED)
def test_a_window_that_cannot_resolve_sigma_is_refused(make):
    with pytest.raises(ValueError, match="cannot resolve"):
        make(1e6, size=3)
