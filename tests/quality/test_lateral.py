"""Lateral quality against a slow loop, its limits and fields without structure."""

import math

import numpy as np
import pytest
import torch
from support import oracle

import gradmask as gm
from gradmask.quality import lateral as quality
from gradmask.quality import lateral_quality

F64 = torch.float64


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


@pytest.mark.parametrize("shape", [(2, 3, 5, 9), (3, 9, 9)])
def test_lateral_quality_refuses_what_is_no_map_or_too_small(shape):
    with pytest.raises(ValueError, match=r"smaller|shape"):
        lateral_quality(torch.ones(shape), log(1.0))
