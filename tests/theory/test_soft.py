"""The best mask: against quadrature, simulation, and searches over all other masks."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from gradmask import laplacian_of_gaussian
from gradmask.functional import error_energy, lateral_response
from gradmask.lab.simulation.gradients import disc, simulate
from gradmask.theory import (
    best_threshold,
    false_alarm_rate,
    hit_rate,
    posterior,
    posterior_variance,
    predict_soft_gain,
    snr_gain,
    soft_gain,
    wiener_factor,
)

CASES = [(0.3, 0.05), (1.0, 0.5), (2.0, 0.1), (3.0, 0.3), (-1.5, 0.2)]
detectabilities = st.floats(0.1, 4.0)
occupancies = st.floats(0.01, 0.9)


def bayes(y, d, omega):
    """What Bayes's rule says, written out."""
    on, off = omega * stats.norm.pdf(y, d), (1 - omega) * stats.norm.pdf(y)
    return on / (on + off)


# --- The posterior --------------------------------------------------------------------


@pytest.mark.parametrize(("d", "omega"), CASES)
def test_the_posterior_is_that_of_bayes(d, omega):
    for y in (-3.0, 0.0, 0.7, 5.0):
        assert posterior(y, d, omega) == pytest.approx(bayes(y, d, omega), rel=1e-12)


@pytest.mark.parametrize(("d", "omega"), CASES)
def test_the_variance_is_its_integral(d, omega):
    def integrand(y):
        return stats.norm.pdf(y, d) * bayes(y, d, omega) / omega

    exact = integrate.quad(integrand, -12, 12, limit=200, epsabs=1e-12)[0] - 1
    assert posterior_variance(d, omega) == pytest.approx(exact, rel=1e-8)


@given(detectabilities, occupancies)
def test_the_variance_lies_between_nothing_and_the_perfect_mask(d, omega):
    assert 0 < posterior_variance(d, omega) < 1 / omega - 1
    assert posterior_variance(-d, omega) == pytest.approx(posterior_variance(d, omega))


def test_limits_of_the_variance():
    assert posterior_variance(1e-3, 0.2) == pytest.approx(0.8**2 * 1e-6, rel=1e-3)
    assert posterior_variance(1.2, 1e-6) == pytest.approx(math.expm1(1.44), rel=1e-3)
    assert posterior_variance(30.0, 0.2) == pytest.approx(4.0)
    assert posterior_variance(2.0, 1.0) == pytest.approx(0.0, abs=1e-20)
    grid = posterior_variance(torch.tensor([[0.5], [1.0]]), [0.1, 0.2, 0.3])
    assert grid.shape == (2, 3)
    assert grid[1, 2].item() == pytest.approx(posterior_variance(1.0, 0.3), rel=1e-5)


@pytest.mark.parametrize("omega", [0.0, -0.1, 1.1, math.nan])
def test_the_occupancy_is_a_share(omega):
    for function in (lambda o: posterior(0.0, 1.0, o), lambda o: best_threshold(1, o)):
        with pytest.raises(ValueError, match="occupancy"):
            function(omega)
    with pytest.raises(ValueError, match="occupancy"):
        posterior_variance(1.0, omega)


# --- Nothing gains more ---------------------------------------------------------------


def bins(d, omega, count):
    """Probabilities of equal parts of the responses' range, on and off the object."""
    edges = np.concatenate([[-np.inf], np.linspace(-2, d + 2, count - 1), [np.inf]])
    return tuple(np.diff(stats.norm.cdf(edges, mean)) for mean in (d, 0.0))


@pytest.mark.parametrize(("d", "omega"), CASES[:4])
def test_no_search_over_weights_finds_a_better_mask(d, omega):
    on, off = bins(d, omega, 40)
    everywhere = omega * on + (1 - omega) * off

    def loss(m):
        return -((m @ on) ** 2) / (m**2 @ everywhere)

    start = np.random.default_rng(0).uniform(0.5, 1.5, 40)
    found = optimize.minimize(loss, start, method="L-BFGS-B", options={"maxfun": 10**5})
    best = 1 + posterior_variance(d, omega)
    assert 0.98 * best < -found.fun < best  # forty steps say a little less than y
    weights = found.x / (found.x @ everywhere)
    likely = everywhere > 1e-3
    assert weights[likely] == pytest.approx((on / everywhere)[likely], abs=0.02)


@pytest.mark.parametrize(("d", "omega"), CASES[:4])
def test_of_all_binary_masks_the_best_keeps_above_half_its_precision(d, omega):
    on, off = bins(d, omega, 12)
    masks = (np.arange(2**12)[:, None] >> np.arange(12)) & 1
    p, q = masks @ on, masks @ off
    with np.errstate(invalid="ignore"):
        gain = p**2 / (omega * p + (1 - omega) * q)
    best = np.nanargmax(gain)
    precision = omega * p[best] / (omega * p[best] + (1 - omega) * q[best])
    in_bins = omega * on / (omega * on + (1 - omega) * off)
    assert np.array_equal(masks[best] == 1, in_bins > precision / 2)


@given(detectabilities, occupancies)
def test_the_best_threshold_is_where_the_gain_is_largest(d, omega):
    def loss(theta):
        return -snr_gain(hit_rate(d, theta), false_alarm_rate(theta), omega)

    theta = best_threshold(d, omega)
    grid = np.linspace(theta - 3, theta + 3, 61)
    assert loss(theta) <= min(map(loss, grid)) + 1e-12
    assert omega / 2 < posterior(theta, d, omega) < 0.5


def test_a_detector_that_sees_little_should_keep_nearly_all():
    assert false_alarm_rate(best_threshold(0.05, 0.1)) > 0.999
    assert best_threshold([1.0, 2.0], 0.1).shape == (2,)
    for d, omega in ((0.0, 0.5), (-1.0, 0.5), (1.0, 1.0)):
        with pytest.raises(ValueError, match="positive detectability"):
            best_threshold(d, omega)


@given(detectabilities, occupancies)
def test_the_soft_mask_beats_the_best_binary_one_and_neither_harms(d, omega):
    theta = best_threshold(d, omega)
    binary = snr_gain(hit_rate(d, theta), false_alarm_rate(theta), omega)
    assert 1 - 1e-9 < binary < soft_gain(posterior_variance(d, omega))


# --- Fluctuation ----------------------------------------------------------------------


@given(st.floats(0.01, 10), st.floats(0, 10))
def test_the_wiener_factor_is_the_best_one(v, noise):
    best = soft_gain(v, noise)
    assert best == pytest.approx(1 + v**2 / (v + noise))
    assert best >= 1
    assert soft_gain(v, noise, wiener_factor(v, noise)) == pytest.approx(best)
    found = optimize.minimize_scalar(
        lambda a: -soft_gain(v, noise, a), bounds=(0, 2), method="bounded"
    )
    assert -found.fun == pytest.approx(best, rel=1e-6)
    assert found.x == pytest.approx(wiener_factor(v, noise), abs=1e-2)


def test_without_a_variance_there_is_nothing_to_follow():
    assert soft_gain(0.0) == soft_gain(0.0, 1.0) == soft_gain(2.0, 3.0, 0.0) == 1.0
    assert soft_gain(torch.tensor([1.0, 2.0])).tolist() == [2.0, 3.0]
    for function in (soft_gain, wiener_factor):
        with pytest.raises(ValueError, match="variance must not be negative"):
            function(-1.0, 0.0)
        with pytest.raises(ValueError, match="fluctuation must not be negative"):
            function(1.0, -1.0)


# --- On a map -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("radius", "sigma", "strength", "channels"),
    [(4, 2.8, 0.03, 32), (4, 2.8, 0.2, 32), (6, 2.0, 0.3, 16), (2, 1.4, 1.0, 8)],
)
def test_the_predicted_gain_of_weights_that_do_not_look(
    radius, sigma, strength, channels
):
    support, kernel = disc(radius, 24), laplacian_of_gaussian(sigma)
    soft = predict_soft_gain(kernel, support, strength, channels)

    def blind(delta):
        return soft.weights(lateral_response(error_energy(delta), kernel)).roll(1, 0)

    rules = {"blind": blind}
    m = simulate(support, strength, rules, channels=channels, count=1500)["blind"]
    slack = 0.02 * m.gain.mean
    assert m.gain.low - slack < soft.gain < m.gain.high + slack
    assert m.kept.mean().item() == pytest.approx(1, abs=0.03)
    assert m.hit_rate.mean == pytest.approx(1 + soft.factor * soft.variance, rel=0.03)
    noise = m.fluctuation / soft.factor**2
    assert soft.fluctuation == pytest.approx(noise, rel=0.2)


def test_far_from_its_ring_an_object_is_seen_as_in_the_closed_form():
    """A kernel of one pixel next to its surround, on a large map, one bright pixel."""
    support = torch.zeros(24, 24)
    support[12, 12] = 1
    kernel = laplacian_of_gaussian(0.5, size=3, dtype=torch.float64)
    soft = predict_soft_gain(kernel, support, 0.01, 20000)
    d = 0.01 * math.sqrt(20000 / 2) * kernel[1, 1].item()
    expected = posterior_variance(d, 1 / 24**2)
    assert soft.variance == pytest.approx(expected, rel=0.05)


def test_the_norm_of_the_kernel_is_no_information():
    support, kernel = disc(3, 15), laplacian_of_gaussian(1.4, dtype=torch.float64)
    once, twice = (predict_soft_gain(k, support, 0.3, 16) for k in (kernel, 2 * kernel))
    assert once.gain == pytest.approx(twice.gain)
    response = torch.randn(2, 1, 15, 15, dtype=torch.float64)
    torch.testing.assert_close(once.weights(response), twice.weights(2 * response))


def test_weights_grow_with_the_response_and_end_where_the_table_ends():
    soft = predict_soft_gain(laplacian_of_gaussian(1.4), disc(3, 15), 0.3, 16)
    weights = soft.weights(torch.tensor([-1e9, -1.0, 0.0, 1.0, 2.0]))
    assert weights.isfinite().all()
    assert (weights[2:].diff() > 0).all()


def test_errors_of_the_map():
    kernel = laplacian_of_gaussian(1.4)
    with pytest.raises(ValueError, match=r"shape \(H, W\)"):
        predict_soft_gain(kernel, torch.zeros(1, 15, 15), 0.1, 8)
    for support in (torch.zeros(15, 15), torch.ones(15, 15)):
        with pytest.raises(ValueError, match="neither empty nor the whole"):
            predict_soft_gain(kernel, support, 0.1, 8)
