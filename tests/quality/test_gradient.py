"""The criteria against slow loops, their limits, identities and Monte-Carlo."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import oracle

import gradmask as gm
from gradmask.quality import GradientQuality, gradient_quality, lateral_quality
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


# Lateral quality


def log(sigma, size=None):
    return gm.laplacian_of_gaussian(sigma, size, dtype=F64)


def contrast(e, mask):
    kept, rejected = (np.mean(e[part] ** 2) for part in (mask, ~mask))
    return (kept - rejected) / (kept + rejected)


def lateral_by_loop(delta, kernels, threshold):
    """LGQ of each sample in NumPy; only the permutations are the library's."""
    result = []
    e = oracle.energy(delta)
    for one in e:
        contrasts = []
        for order in quality._orbit(one.size).numpy():
            moved = one.reshape(-1)[order].reshape(1, *one.shape)
            contrasts.append(contrast(moved, oracle.mask(moved, kernels, threshold)))
        c, c0, n = contrasts[0], np.mean(contrasts[1:]), len(contrasts) - 1
        result.append((c - c0) / (1 - c0 + (1 - c) / n))
    return result


@pytest.mark.parametrize("sigmas", [(1.0,), (0.6, 1.4)])
@pytest.mark.parametrize("threshold", [0.0, 0.7])
def test_lateral_quality_equals_the_loop(sigmas, threshold):
    delta = torch.randn(4, 3, 12, 14, dtype=F64)
    delta[:, :, 3:7, 5:9] *= 3
    kernels = [log(sigma) for sigma in sigmas]
    expected = lateral_by_loop(delta.numpy(), [k.numpy() for k in kernels], threshold)
    given = kernels if len(kernels) > 1 else kernels[0]
    assert np.allclose(lateral_quality(delta, given, threshold), expected)


def test_lateral_quality_on_every_device(device):
    delta = torch.randn(4, 3, 12, 14)
    kernel = gm.laplacian_of_gaussian(1.0)
    here = lateral_quality(delta.to(device), kernel).cpu()
    assert torch.allclose(here, lateral_quality(delta, kernel), atol=1e-5)


@pytest.mark.parametrize("positions", [9, 64, 75])
def test_the_shuffles_form_a_group_that_moves_nearly_everything(positions):
    orbit = quality._orbit(positions)
    members = {tuple(order.tolist()) for order in orbit}
    assert len(members) == 8
    assert tuple(range(positions)) in members
    for one in orbit:
        assert sorted(one.tolist()) == list(range(positions))
        assert {tuple(one[other].tolist()) for other in orbit} == members
    assert ((orbit[1:] == orbit[0]).sum(1) == positions % 8).all()


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_lateral_quality_sums_to_zero_over_an_orbit(threshold):
    """The reason why fields without structure give exactly 0 in expectation."""
    delta = torch.randn(20, 1, 10, 10, dtype=F64).exp()
    orbit = quality._orbit(100)
    moved = delta.flatten(1)[:, orbit].view(-1, 1, 10, 10)
    each = lateral_quality(moved, log(1.0), threshold).view(20, 8)
    assert each.abs().max() > 0.05
    assert each.sum(1).abs().max() < 1e-9


FIELDS = {
    "gaussian": lambda *s: torch.randn(*s),
    "log-normal": lambda b, c, *s: torch.randn(b, c, *s) * torch.randn(b, 1, *s).exp(),
    "cauchy": lambda b, c, *s: torch.randn(b, c, *s) / torch.randn(b, 1, *s),
    "gated": lambda *s: torch.randn(*s) * (torch.rand(*s) < 0.3),
    "anisotropic": lambda b, c, *s: torch.randn(b, c, *s) * torch.rand(c, 1, 1) ** 3,
}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("channels", [1, 4, 32])
def test_a_field_without_spatial_structure_has_no_lateral_quality(field, channels):
    delta = FIELDS[field](1000, channels, 14, 14)
    q = lateral_quality(delta, gm.laplacian_of_gaussian(1.0)).double()
    assert q.isfinite().all()
    error = q.std() / math.sqrt(len(q))
    assert error < 0.03
    assert abs(q.mean()) < 4 * error


def disc(radius, size):
    axis = torch.arange(size, dtype=F64) - size // 2
    return (axis.square()[:, None] + axis.square() <= radius**2).double()


@pytest.mark.parametrize(("radius", "sigma"), [(2, 1.4), (4, 2.8), (6, 4.2)])
def test_an_object_of_the_kernels_size_is_found(radius, sigma):
    signal = 2 * torch.randn(1, 16, 1, 1, dtype=F64) * disc(radius, 28)
    delta = signal + torch.randn(200, 16, 28, 28, dtype=F64)
    q = lateral_quality(delta, log(sigma))
    assert q.mean() > 8 * q.std() / math.sqrt(len(q))


def test_it_is_one_where_nothing_bright_is_rejected():
    delta = disc(5, 21).expand(1, 2, 21, 21)
    assert lateral_quality(delta, log(3.0)).item() == 1


def test_it_is_negative_where_the_kernel_is_too_small():
    delta = 0.05 * torch.rand(4, 1, 20, 20, dtype=F64) + disc(7, 20)
    assert (lateral_quality(delta, log(0.5, 3)) < 0).all()
    assert (lateral_quality(delta, log(3.0)) > 0).all()


def test_maps_without_a_choice():
    empty = torch.zeros(1, 2, 9, 9)
    flat = torch.full((1, 2, 9, 9), 0.7)
    spot = empty.clone()
    spot[..., 4, 4] = 1
    broken = flat.clone()
    broken[..., 0, 0] = math.inf
    q = lateral_quality(torch.cat([empty, flat, spot, broken]), log(1.0))
    assert q.isnan().tolist() == [True, False, False, True]
    assert q[1:3].tolist() == [0, 0]


def test_nothing_kept_is_no_contrast():
    assert lateral_quality(torch.randn(2, 3, 9, 9), log(1.0), 50.0).tolist() == [0, 0]


def test_lateral_quality_depends_on_nothing_else():
    delta = torch.randn(6, 3, 15, 15, dtype=F64).exp()
    before = torch.get_rng_state()
    q = lateral_quality(delta, log(1.4))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(lateral_quality(delta, log(1.4)), q)
    assert torch.allclose(lateral_quality(delta[2:4], log(1.4)), q[2:4])
    assert torch.allclose(lateral_quality(delta * 1e-60, log(1.4)), q)
    rotation = torch.linalg.qr(torch.randn(3, 3, dtype=F64)).Q
    turned = torch.einsum("ij,bjhw->bihw", rotation, delta)
    assert torch.allclose(lateral_quality(turned, log(1.4)), q)


def test_half_precision_energy_is_float32():
    delta = 300 * torch.randn(4, 64, 12, 12).half()
    q = lateral_quality(delta, log(1.0))
    assert q.dtype == torch.float32
    assert torch.allclose(
        q.double(), lateral_quality(delta.double(), log(1.0)), atol=1e-3
    )


def test_an_empty_batch_has_no_quality():
    assert lateral_quality(torch.zeros(0, 3, 9, 9), log(1.0)).shape == (0,)


@pytest.mark.parametrize("shape", [(2, 3, 5, 9), (3, 9, 9)])
def test_lateral_quality_refuses_what_is_no_map_or_too_small(shape):
    with pytest.raises(ValueError, match=r"smaller|shape"):
        lateral_quality(torch.ones(shape), log(1.0))
