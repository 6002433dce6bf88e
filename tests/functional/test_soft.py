"""Soft weights against a slow rewrite, and what theory promises of them."""

import numpy as np
import pytest
import torch
from support import oracle

from gradmask.functional import (
    error_energy,
    laplacian_of_gaussian,
    lateral_weights,
    rearrange,
)
from gradmask.theory import predict_soft_gain

SHARE = 0.1


def energies(n=6, side=15, bump=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    energy = 4 + torch.randn(n, 1, side, side, generator=generator, dtype=torch.float64)
    energy[..., 5:9, 6:10] += bump
    return energy


def null_variance(kernel, height, width):
    """Mean squared norm of the response to each single position, one by one."""
    impulses = np.eye(height * width).reshape(-1, 1, height, width)
    return (oracle.response(impulses, kernel) ** 2).sum() / (height * width)


def slow_weights(e, kernel):
    norm = null_variance(kernel, *e.shape[2:])
    y = np.stack(
        [oracle.response(m[None], kernel)[0] / np.sqrt(m.var(ddof=1) * norm) for m in e]
    )
    power = (y**2).mean((1, 2, 3))
    error = power.std(ddof=1) / np.sqrt(len(power))
    d = np.sqrt(max(power.mean() - 1 - 2 * error, 0) / SHARE)
    weights = []
    for one in y:
        d_one = min(d, one.max())
        on = SHARE * np.exp(-((one - d_one) ** 2) / 2)
        beside = (1 - SHARE) * np.exp(-(one**2) / 2)
        posterior = on / (on + beside)
        weights.append(posterior / posterior.mean())
    return np.stack(weights)


@pytest.mark.parametrize(("sigma", "size"), [(1.0, 5), (1.4, 9), (2.5, 15)])
@pytest.mark.parametrize("bump", [0.0, 1.0, 4.0])
def test_weights_are_posteriors_under_the_shuffled_null(sigma, size, bump):
    e = energies(bump=bump)
    weights = lateral_weights(e, laplacian_of_gaussian(sigma, size=size).double())
    slow = slow_weights(e.numpy(), oracle.log_kernel(sigma, size))
    assert np.allclose(weights, slow, atol=1e-5)


def test_kernels_applied_by_cosine_transform_have_the_same_null():
    e = energies(side=21)
    kernel = laplacian_of_gaussian(3.0, size=17).double()
    slow = slow_weights(e.numpy(), oracle.log_kernel(3.0, 17))
    assert np.allclose(lateral_weights(e, kernel), slow, atol=1e-5)


def test_a_shuffled_map_has_exactly_the_power_of_the_null():
    e = energies(1, side=6, bump=3.0).numpy()[0, 0]
    kernel = oracle.log_kernel(1.0, 5)
    unit = e.var(ddof=1) * null_variance(kernel, 6, 6)
    rng = np.random.default_rng(0)
    shuffled = np.stack(
        [rng.permutation(e.ravel()).reshape(1, 6, 6) for _ in range(4000)]
    )
    power = (oracle.response(shuffled, kernel) ** 2).mean((1, 2, 3)) / unit
    assert abs(power.mean() - 1) < 4 * power.std() / np.sqrt(len(power))


@pytest.mark.parametrize("strength", [1.0, 0.3, -1 / 9])
def test_every_sample_has_weights_of_mean_one_and_none_below_zero(strength):
    weights = lateral_weights(energies(bump=3.0), laplacian_of_gaussian(1.0), strength)
    assert torch.allclose(weights.mean((2, 3)), torch.ones(6, 1).double())
    whole = lateral_weights(energies(bump=3.0), laplacian_of_gaussian(1.0))
    assert torch.allclose(weights, 1 + strength * (whole - 1))
    assert weights.min() > -0.2


@pytest.mark.parametrize("tails", ["gaussian", "student"])
def test_without_structure_they_are_one(tails):
    torch.manual_seed(0)
    kernel = laplacian_of_gaussian(1.4)
    noise = torch.randn(1024, 8, 15, 15)
    if tails == "student":
        noise /= torch.distributions.Chi2(3.0).sample(noise.shape).div(3).sqrt()
    energy = error_energy(noise)
    lost = []
    for part in energy.split(64):
        weights = lateral_weights(part, kernel)
        signal = (weights * part.square()).mean() / part.square().mean()
        noise_kept = (weights * part).square().mean() / part.square().mean()
        lost.append((1 - 1 / noise_kept).item())
        assert abs(signal - 1) < 0.1
    assert np.mean(lost) < 0.01


def test_scale_does_not_matter_nor_do_other_dtypes():
    e, kernel = energies(bump=2.0), laplacian_of_gaussian(1.0)
    weights = lateral_weights(e, kernel)
    assert torch.allclose(lateral_weights(1e-6 * e, kernel), weights)
    assert torch.allclose(
        lateral_weights(e.float(), kernel), weights.float(), atol=1e-3
    )
    assert lateral_weights(e.bfloat16(), kernel).dtype == torch.float32


def test_flat_and_broken_samples_are_left_alone_and_do_not_disturb():
    e, kernel = energies(8, bump=4.0), laplacian_of_gaussian(1.4)
    e[2], e[4, 0, 3, 3], e[5] = 7.0, torch.nan, 0.0
    good = [0, 1, 3, 6, 7]
    weights = lateral_weights(e, kernel)
    assert torch.equal(weights[[2, 4, 5]], torch.ones(3, 1, 15, 15).double())
    assert torch.allclose(weights[good], lateral_weights(e[good], kernel))
    assert weights[0].std() > 0.1


def test_one_sample_alone_cannot_be_told_from_chance():
    weights = lateral_weights(energies(1, bump=5.0), laplacian_of_gaussian(1.0))
    assert torch.equal(weights, torch.ones_like(weights))
    assert (
        lateral_weights(torch.zeros(0, 1, 9, 9), laplacian_of_gaussian(1.0)).numel()
        == 0
    )


def test_a_very_strong_object_takes_all_the_weight_and_nothing_overflows():
    e = energies(side=31, bump=1e4)
    weights = lateral_weights(e.float(), laplacian_of_gaussian(2.0))
    assert weights.isfinite().all()
    assert weights[..., 4:10, 5:11].sum() > 0.99 * weights.sum()


def test_a_map_smaller_than_the_kernel_is_refused():
    with pytest.raises(ValueError, match="smaller than the 9x9 kernel"):
        lateral_weights(torch.ones(2, 1, 7, 7), laplacian_of_gaussian(1.0, size=9))


def test_rearranging_keeps_the_weights_and_follows_the_score():
    torch.manual_seed(0)
    weights, score = torch.rand(3, 1, 5, 4), torch.rand(3, 1, 5, 4)
    arranged = rearrange(weights, score)
    for w, s, a in zip(weights, score, arranged, strict=True):
        assert torch.equal(a.flatten().sort().values, w.flatten().sort().values)
        assert torch.equal(a.flatten().argsort(), s.flatten().argsort())


def gain(strength, count=1000, channels=32):
    """Measured gain of a batch's own weights, and the optimum that theory predicts."""
    generator = torch.Generator().manual_seed(1)
    rows, columns = torch.meshgrid(
        torch.arange(20) - 9, torch.arange(20) - 9, indexing="ij"
    )
    support = rows**2 + columns**2 <= 9
    kernel = laplacian_of_gaussian(2.1)
    noise = torch.randn(count, channels, 20, 20, generator=generator)
    delta = noise + strength**0.5 * support
    weights = lateral_weights(error_energy(delta), kernel)
    plain, soft = (t.sum((2, 3)) for t in (delta, weights * delta))

    def ratio(gradients):
        along = gradients.mean(1).mean()
        return along.square() * channels / gradients.var(0).sum()

    best = predict_soft_gain(kernel, support, strength, channels).gain
    expected = strength * support.sum() ** 2 / support.numel()
    assert ratio(plain) == pytest.approx(expected.item(), rel=0.2)
    return (ratio(soft) / expected).item(), best


@pytest.mark.parametrize("strength", [0.01, 0.05, 0.15, 0.3, 0.6])
def test_the_gain_of_a_batchs_own_weights_is_near_the_optimum(strength):
    own, best = gain(strength)
    assert 0.9 * best < own < 1.1 * best
