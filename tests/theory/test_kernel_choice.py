"""Balance and scale of kernels, against simulation, quadrature and brute force."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from gradmask import laplacian_of_gaussian
from gradmask.functional import (
    difference_of_gaussians,
    lateral_mask,
    unbalanced_laplacian_of_gaussian,
)
from gradmask.theory import (
    background_bias,
    best_scale,
    detectability_map,
    kernel_correlation,
    union_false_alarm_rate,
)

DOUBLE = {"dtype": torch.float64}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# --- Balance --------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [8, 32, 128])
def test_bias_of_an_unbalanced_kernel(channels):
    kernel = unbalanced_laplacian_of_gaussian(1.4, size=5, **DOUBLE)
    bias = background_bias(kernel.sum().item(), channels)
    exact = detectability_map(kernel, torch.zeros(15, 15), 0.0, channels)[7, 7].item()
    assert 1 - 1.1 / (8 * channels) < exact / bias < 1 - 0.9 / (8 * channels)
    noise = torch.randn(2000, channels, 5, 5, generator=seeded(), **DOUBLE)
    response = (kernel * noise.square().sum(1).sqrt()).sum((1, 2))
    measured = (response.mean() / response.std()).item()
    assert abs(measured - exact) < 4 * math.sqrt((1 + exact**2 / 2) / 2000)


def test_a_balanced_kernel_is_blind_to_the_offset():
    assert background_bias(0.0, 32) == 0
    assert background_bias(torch.tensor([0.5, -0.5]), 32).tolist() == [4, -4]
    with pytest.raises(ValueError, match="channels"):
        background_bias(0.5, 0)


# --- Several scales -------------------------------------------------------------------


def test_correlation_exactly():
    a, b = torch.zeros(3, 3), torch.ones(5, 5)
    a[1, 1] = 2
    b[0, 0] = 9
    assert kernel_correlation(a, b) == pytest.approx(1 / math.sqrt(105))
    assert kernel_correlation(b, a) == kernel_correlation(a, b)
    assert kernel_correlation(a, -3 * a) == pytest.approx(-1)


def test_correlation_of_two_scales_in_the_continuum():
    for small, large in ((4.0, 8.0), (4.0, 5.0), (6.0, 18.0)):
        kernels = (laplacian_of_gaussian(s, size=151) for s in (small, large))
        expected = (2 * small * large / (small**2 + large**2)) ** 3
        assert kernel_correlation(*kernels) == pytest.approx(expected, rel=2e-3)


def test_correlation_errors():
    good = laplacian_of_gaussian(1.0)
    for bad, why in (
        (torch.zeros(3), "square"),
        (torch.zeros(3, 5), "square"),
        (torch.zeros(4, 4), "odd"),
    ):
        with pytest.raises(ValueError, match=why):
            kernel_correlation(bad, good)
        with pytest.raises(ValueError, match=why):
            kernel_correlation(good, bad)


@pytest.mark.parametrize(
    "pair",
    [
        (laplacian_of_gaussian(1.4), laplacian_of_gaussian(2.8)),
        (laplacian_of_gaussian(0.5), laplacian_of_gaussian(3.0)),
        (laplacian_of_gaussian(1.4), difference_of_gaussians(1.2)),
    ],
)
def test_false_alarms_of_two_scales(pair):
    energy = torch.randn(600, 1, 50, 50, generator=seeded(3))
    kept = lateral_mask(energy, pair)[..., 12:-12, 12:-12].double()
    rates = kept.mean((1, 2, 3))
    error = (rates.std() / math.sqrt(len(rates))).item()
    expected = union_false_alarm_rate(kernel_correlation(*pair))
    assert error < 2e-3
    assert abs(rates.mean().item() - expected) < 4 * error


def test_union_exactly():
    assert union_false_alarm_rate(1.0) == pytest.approx(0.5)
    assert union_false_alarm_rate(-1.0) == pytest.approx(1.0)
    assert union_false_alarm_rate(0.5) == pytest.approx(2 / 3)
    assert union_false_alarm_rate(torch.tensor([0.0])).tolist() == [0.75]


@given(st.floats(-1, 1))
def test_union_lies_between_one_scale_and_two(c):
    assert 0.5 - 1e-9 <= union_false_alarm_rate(c) <= 1 + 1e-9
    both = 1 - union_false_alarm_rate(c)  # neither keeps it, as likely as both
    assert union_false_alarm_rate(c) + both == pytest.approx(1)


@pytest.mark.parametrize("correlation", [1.01, -1.01, [0.0, 2.0]])
def test_union_errors(correlation):
    with pytest.raises(ValueError, match="correlation"):
        union_false_alarm_rate(correlation)


# --- The best scale -------------------------------------------------------------------


def continuum(criterion, sigma):
    """What each criterion maximises, for a disc of radius one."""
    u, w = 1 / (2 * sigma**2), 1 / sigma**2
    return {
        "scale-space": u * np.exp(-u),
        "centre": sigma * u * np.exp(-u),
        "disc": sigma * special.ive(1, w),
    }[criterion]


@pytest.mark.parametrize("criterion", ["scale-space", "centre", "disc"])
def test_best_scale_in_the_continuum(criterion):
    found = optimize.minimize_scalar(
        lambda sigma: -continuum(criterion, sigma),
        bounds=(0.3, 3),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert best_scale(1.0, criterion) == pytest.approx(found.x, abs=1e-7)


@pytest.mark.parametrize("criterion", ["scale-space", "centre", "disc"])
def test_best_scale_on_the_pixel_grid(criterion):
    radius, half = 8, 64
    axis = torch.arange(-half, half + 1, **DOUBLE)
    disc = (axis.square()[:, None] + axis.square() <= radius**2).double()
    sigmas = torch.linspace(0.5, 1.7, 61) * radius

    def score(sigma):
        kernel = laplacian_of_gaussian(sigma, size=2 * half + 1, **DOUBLE)
        if criterion == "scale-space":
            return (kernel * disc).sum() / sigma
        if criterion == "centre":
            return (kernel * disc).sum()
        shape = (4 * half + 1,) * 2
        spectra = torch.fft.rfft2(disc, s=shape), torch.fft.rfft2(kernel, s=shape)
        whole = torch.fft.irfft2(spectra[0] * spectra[1], s=shape)
        return (whole[half:-half, half:-half] * disc).sum()

    found = sigmas[torch.stack([score(s.item()) for s in sigmas]).argmax()]
    assert found.item() == pytest.approx(best_scale(radius, criterion), rel=0.025)


def test_the_unit_norm_response_of_the_continuum_is_right():
    """The closed form behind the criterion, against the kernel itself."""
    sigma, radius = 6.0, 8.0
    axis = torch.arange(-40, 41, **DOUBLE)
    disc = axis.square()[:, None] + axis.square() <= radius**2
    response = laplacian_of_gaussian(sigma, size=81, **DOUBLE)[disc].sum().item()
    scale = radius * 2 * math.pi / math.sqrt(math.pi / 2)
    expected = scale * continuum("centre", sigma / radius)
    assert response == pytest.approx(expected, rel=0.02)
    padded = F.pad(disc.double(), (40,) * 4)
    kernel = laplacian_of_gaussian(sigma, size=81, **DOUBLE)
    mean = F.conv2d(padded[None, None], kernel[None, None])[0, 0][disc].mean().item()
    expected = scale * continuum("disc", sigma / radius)
    assert mean == pytest.approx(expected, rel=0.02)


def test_best_scale_of_several_radii():
    assert best_scale(torch.tensor([2.0, 4.0]), "centre").tolist() == [2, 4]
    assert best_scale(4) == best_scale(4, "disc") == pytest.approx(4 * 1.3084, abs=1e-3)
    assert best_scale(2, "scale-space") == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("radius", [0, -1, [1.0, 0.0], math.nan])
def test_radius_must_be_positive(radius):
    with pytest.raises(ValueError, match="radius"):
        best_scale(radius)


def test_criterion_must_be_known():
    with pytest.raises(ValueError, match="scale-space, centre, disc"):
        best_scale(1.0, "center")
