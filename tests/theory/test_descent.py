"""From gradients to the loss: against quadratic losses, simulation and root finding."""

import math

import pytest
import torch
from scipy import optimize, stats

from gradmask import laplacian_of_gaussian
from gradmask.functional import (
    difference_of_gaussians,
    unbalanced_laplacian_of_gaussian,
)
from gradmask.lab.simulation.gradients import disc
from gradmask.theory import (
    agreement,
    break_even_batch,
    critical_strength,
    guaranteed_drop,
    half_gain,
    noise_selection,
    predict_gain,
)

DOUBLE = {"dtype": torch.float64}


def gradients(count, mean, spread, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return mean + spread * torch.randn(count, len(mean), generator=generator, **DOUBLE)


# --- Agreement ------------------------------------------------------------------------


def test_the_agreement_is_a_squared_cosine_of_the_mean():
    truth = torch.tensor([1.0, 0.0, 0.0, 0.0], **DOUBLE)
    mean = torch.tensor([0.8, 0.6, 0.0, 0.0], **DOUBLE)
    samples, batch = gradients(200_000, mean, 0.5), 4
    means = samples.view(-1, batch, 4).mean(1)
    measured = (means.mean(0) @ truth) ** 2 / means.square().sum(1).mean()
    predicted = agreement(1 / (4 * 0.25), batch, cosine=0.8)
    assert measured.item() == pytest.approx(predicted, rel=0.01)


def test_two_gradients_agree_alike_at_the_break_even_batch():
    batch = break_even_batch(2.0, 0.1, 0.9)
    assert agreement(0.1, batch) == pytest.approx(agreement(0.2, batch, 0.9))


def test_limits_and_errors_of_the_agreement():
    assert agreement(0.0) == 0
    assert agreement(math.inf) == 1
    assert agreement(torch.tensor([0.0, 1.0])).tolist() == [0, 0.5]
    for kwargs, name in (
        ({"snr": -0.1}, "snr"),
        ({"snr": 1.0, "batch": 0.5}, "batch"),
        ({"snr": 1.0, "cosine": -0.9}, "cosine"),
        ({"snr": 1.0, "cosine": 1.1}, "cosine"),
    ):
        with pytest.raises(ValueError, match=name):
            agreement(**kwargs)


# --- The loss -------------------------------------------------------------------------


def drops(hessian, samples, truth):
    """Mean drop of a quadratic loss over steps of the best length for the bound."""
    steep = torch.linalg.eigvalsh(hessian)[-1]
    step = samples.mean(0) @ truth / (steep * samples.square().sum(1).mean())
    bent = torch.einsum("bi,ij,bj->b", samples, hessian, samples)
    drop = (step * samples @ truth - step**2 / 2 * bent).mean().item()
    squared = (samples.mean(0) @ truth) ** 2 / samples.square().sum(1).mean()
    quality = (squared / truth.square().sum()).item()
    energy = truth.square().sum().item()
    return drop, guaranteed_drop(energy, quality, steep.item())


def test_the_drop_is_guaranteed_and_exact_where_all_curvatures_are_alike():
    truth = torch.tensor([1.0, -2.0, 0.5], **DOUBLE)
    samples = gradients(1000, 0.7 * truth, 2.0)
    drop, least = drops(3 * torch.eye(3, **DOUBLE), samples, truth)
    assert drop == pytest.approx(least)
    drop, least = drops(torch.tensor([3.0, 1.0, 0.2], **DOUBLE).diag(), samples, truth)
    assert drop > 1.1 * least


def test_no_step_does_better_where_all_curvatures_are_alike():
    truth = torch.tensor([1.0, -2.0, 0.5], **DOUBLE)
    samples = gradients(1000, truth, 2.0)
    along, energy = (samples.mean(0) @ truth).item(), samples.square().sum(1).mean()
    found = optimize.minimize_scalar(lambda e: e**2 / 2 * energy.item() - e * along)
    assert -found.fun == pytest.approx(drops(torch.eye(3, **DOUBLE), samples, truth)[1])


@pytest.mark.parametrize("spread", [0.1, 1.0, 10.0])
def test_a_step_comes_nearer_to_the_minimum_by_the_agreement(spread):
    """Where G^2 is at least twice the least curvature times the loss."""
    curvatures = torch.tensor([3.0, 1.0, 0.2], **DOUBLE)
    for place in torch.eye(3, **DOUBLE):
        truth, loss = curvatures * place, (curvatures * place.square()).sum().item() / 2
        samples = gradients(1000, truth, spread)
        drop, least = drops(curvatures.diag(), samples, truth)
        quality = least * 2 * 3.0 / truth.square().sum().item()
        assert loss - drop <= loss * (1 - 0.2 / 3.0 * quality) + 1e-12


def test_a_loss_needs_a_curvature():
    with pytest.raises(ValueError, match="smoothness"):
        guaranteed_drop(1.0, 0.5, 0.0)


# --- Half of everything ---------------------------------------------------------------

MASKS = [
    (laplacian_of_gaussian(2.8), disc(4), 32),
    (laplacian_of_gaussian(1.4), disc(2), 32),
    (difference_of_gaussians(2.0), disc(5), 64),
    (laplacian_of_gaussian(1.4), disc(4), 32),
]


@pytest.mark.parametrize(("kernel", "support", "channels"), MASKS)
@pytest.mark.parametrize("strength", [0.02, 0.1])
def test_the_gain_of_a_mask_that_keeps_half(kernel, support, channels, strength):
    p, q, occupancy, noise = predict_gain(kernel, support, strength, channels)
    kappa = noise_selection(0.0, kernel.max().item(), channels)
    kept = occupancy * p + (1 - occupancy) * q
    assert kept == pytest.approx((1 + kappa) / 2, rel=0.035)
    expected = p**2 / (kept + noise)
    assert half_gain(p, kappa) == pytest.approx(expected, rel=0.08)


def test_a_mask_of_half_needs_a_root_of_a_half():
    assert half_gain(math.sqrt(0.5)) == pytest.approx(1)
    kappa = torch.tensor([0.0, 0.2])
    assert half_gain(((1 + kappa) / 2).sqrt(), kappa).tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize(("kernel", "support", "channels"), MASKS)
def test_the_critical_strength_is_near_where_the_gain_is_one(kernel, support, channels):
    critical = critical_strength(kernel, support, channels)

    def excess(strength):
        return predict_gain(kernel, support, strength, channels).gain - 1

    root = optimize.brentq(excess, critical / 2, 2 * critical, rtol=1e-3)
    assert 0.85 < critical / root < 1
    assert critical_strength(3 * kernel, support, channels) == pytest.approx(critical)
    assert critical_strength(kernel, support, 4 * channels) == pytest.approx(
        critical / 2
    )


def test_the_constant_of_the_critical_strength():
    support = torch.zeros(15, 15)
    support[7, 7] = 1
    kernel = laplacian_of_gaussian(1.0, **DOUBLE)
    strength = critical_strength(kernel, support, 8)
    seen = strength * math.sqrt(8 / 2) * kernel.max().item()
    assert seen == pytest.approx(stats.norm.ppf(math.sqrt(0.5)))


def test_what_the_kernel_does_not_respond_to_has_no_critical_strength():
    kernel = -laplacian_of_gaussian(1.0)
    assert critical_strength(kernel, disc(2, 15), 8) == math.inf


def test_errors_of_the_critical_strength():
    kernel, support = laplacian_of_gaussian(1.4), disc(3, 15)
    unbalanced = unbalanced_laplacian_of_gaussian(1.4, size=5)
    for arguments, message in (
        ((unbalanced, support, 8), "balanced"),
        ((kernel, support, 0), "channels"),
        ((kernel, support[None], 8), r"shape \(H, W\)"),
        ((kernel, support & False, 8), "neither empty nor the whole"),
        ((kernel, support | True, 8), "neither empty nor the whole"),
    ):
        with pytest.raises(ValueError, match=message):
            critical_strength(*arguments)
