"""The mask's formulas against the oracle, and what must not change them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import oracle

import gradmask as gm
import gradmask.functional.projection

F64 = torch.float64
SCALES = [(1.0,), (0.6, 1.4), (1.4, 2.8)]


def log(sigma, size=None):
    return gm.laplacian_of_gaussian(sigma, size, dtype=F64)


def normal(*shape, dtype=F64):
    return torch.randn(*shape, dtype=dtype)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [3, 7, 15, 17, 21])
def test_response_equals_the_oracle_direct_and_by_cosines(seed, size):
    torch.manual_seed(seed)
    e = normal(3, 1, 21, 24).abs()
    kernel = log(size / 6, size)
    expected = oracle.response(e.numpy(), kernel.numpy())
    assert np.allclose(gm.functional.lateral_response(e, kernel), expected, atol=1e-12)


@pytest.mark.parametrize("size", [5, 17])
def test_response_is_as_precise_under_autocast(size):
    e, kernel = normal(2, 1, 19, 20).abs().float(), log(size / 6, size)
    with torch.autocast("cpu", torch.bfloat16):
        response = gm.functional.lateral_response(e, kernel)
    assert response.equal(gm.functional.lateral_response(e, kernel))


def test_response_of_an_unbalanced_kernel_keeps_the_offset():
    e = normal(2, 1, 9, 9).abs() + 5
    kernel = gm.functional.unbalanced_laplacian_of_gaussian(1.4, 5, dtype=F64)
    expected = oracle.response(e.numpy(), kernel.numpy())
    assert np.allclose(gm.functional.lateral_response(e, kernel), expected, atol=1e-12)


def test_response_is_the_same_in_half_precision():
    e = torch.rand(2, 1, 20, 20).half()
    for kernel in (log(1.0), log(2.8)):
        expected = gm.functional.lateral_response(e.double(), kernel)
        assert torch.allclose(
            gm.functional.lateral_response(e, kernel).double(), expected, atol=1e-5
        )


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 3, 64])
def test_error_energy_equals_the_oracle(channels, layout):
    delta = normal(4, channels, 5, 6).contiguous(memory_format=layout)
    assert np.allclose(gm.functional.error_energy(delta), oracle.energy(delta.numpy()))


@pytest.mark.parametrize("sigmas", SCALES)
@pytest.mark.parametrize("threshold", [0.0, 0.7, -0.5])
@pytest.mark.parametrize("seed", range(5))
def test_mask_equals_the_oracle(sigmas, threshold, seed):
    torch.manual_seed(seed)
    delta = normal(4, 6, 19, 23) * torch.rand(4, 1, 19, 23, dtype=F64) ** 3
    delta[0] = normal(6, 1, 1)
    kernels = [log(sigma) for sigma in sigmas]
    mask = gm.gradient_mask(delta, kernels, threshold)
    expected = oracle.mask(
        oracle.energy(delta.numpy()), [k.numpy() for k in kernels], threshold
    )
    assert mask.dtype == torch.bool
    assert np.array_equal(mask, expected)


def test_one_kernel_is_a_sequence_of_one():
    delta = normal(2, 3, 9, 9)
    assert gm.gradient_mask(delta, log(1)).equal(gm.gradient_mask(delta, [log(1)]))


def test_several_scales_keep_the_union():
    delta = normal(3, 4, 17, 17)
    each = [gm.gradient_mask(delta, log(s), 0.5) for s in (0.6, 2.4)]
    both = gm.gradient_mask(delta, [log(0.6), log(2.4)], 0.5)
    assert both.equal(each[0] | each[1])
    assert not both.equal(each[0])
    assert not both.equal(each[1])


def test_a_scale_that_sees_a_flat_map_adds_nothing():
    stripes = torch.ones(1, 1, 12, 12, dtype=F64)
    stripes[..., ::2] = 2
    blind = torch.tensor([[-1.0, 0, -1], [2, 0, 2], [-1, 0, -1]], dtype=F64) * 0
    blind[:, 1] = torch.tensor([-1.0, 2, -1])
    assert gm.functional.lateral_mask(stripes, blind).all()
    both = gm.functional.lateral_mask(stripes, [blind, log(0.5, 3)])
    assert both.equal(gm.functional.lateral_mask(stripes, log(0.5, 3)))
    assert not both.all()


def test_threshold_is_in_units_of_the_responses_deviation():
    e = normal(1, 1, 32, 32).abs()
    response = gm.functional.lateral_response(e, log(1.0))
    spread = response.numpy().std()
    for threshold in (0.3, 1.0, 2.0):
        mask = gm.functional.lateral_mask(e, log(1.0), threshold)
        assert mask.equal(response > threshold * spread)


@given(exponent=st.integers(-40, 40), seed=st.integers(0, 100))
def test_scaling_by_a_power_of_two_changes_no_bit(exponent, seed):
    torch.manual_seed(seed)
    delta = normal(2, 3, 19, 19, dtype=torch.float32)
    kernels = [gm.laplacian_of_gaussian(s) for s in (1.0, 2.8)]
    mask = gm.gradient_mask(delta, kernels, 0.3)
    assert gm.gradient_mask(delta * 2.0**exponent, kernels, 0.3).equal(mask)


@given(scale=st.floats(1e-6, 1e6), seed=st.integers(0, 100))
def test_scaling_changes_nothing(scale, seed):
    torch.manual_seed(seed)
    delta = normal(2, 3, 12, 12)
    mask = gm.gradient_mask(delta, log(1.0), 0.3)
    assert gm.gradient_mask(-scale * delta, log(1.0), 0.3).equal(mask)


@given(seed=st.integers(0, 100))
def test_samples_do_not_see_each_other(seed):
    torch.manual_seed(seed)
    delta = normal(5, 3, 19, 19) * 10.0 ** torch.randint(-5, 5, (5, 1, 1, 1))
    kernels = [log(1.0), log(2.8)]
    mask = gm.gradient_mask(delta, kernels, 0.3)
    order = torch.randperm(5)
    assert gm.gradient_mask(delta[order], kernels, 0.3).equal(mask[order])
    for b in range(5):
        alone = gm.gradient_mask(delta[b : b + 1], kernels, 0.3)
        assert alone.equal(mask[b : b + 1])


@pytest.mark.parametrize("shift", [(1, 0), (0, 3), (2, 5)])
def test_mask_moves_with_the_error(shift):
    delta = torch.zeros(2, 3, 30, 30, dtype=F64)
    delta[..., 8:18, 8:18] = normal(2, 3, 10, 10)
    kernel = log(1.0)
    moved = gm.gradient_mask(delta.roll(shift, (2, 3)), kernel)
    assert moved.equal(gm.gradient_mask(delta, kernel).roll(shift, (2, 3)))


@given(seed=st.integers(0, 200), threshold=st.floats(-1, 3))
def test_masked_error_never_points_uphill(seed, threshold):
    torch.manual_seed(seed)
    delta = normal(2, 3, 12, 12)
    mask = gm.gradient_mask(delta, log(1.0), threshold)
    assert ((mask * delta) * delta).sum() >= 0
    assert ((mask * delta) * delta).sum() == pytest.approx(
        float((mask * gm.functional.error_energy(delta) ** 2).sum())
    )


GEOMETRIES = [
    {},
    {"stride": (2, 1)},
    {"dilation": (1, 2)},
    {"groups": 2},
    {"stride": (2, 2), "dilation": (2, 1), "groups": 2},
]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_contribution_energy_is_the_norm_of_each_positions_outer_product(geometry):
    a = normal(2, 4, 9, 10)
    out = torch.nn.functional.conv2d(
        a, normal(6, 4 // geometry.get("groups", 1), 3, 2), padding=(1, 0), **geometry
    )
    delta = normal(*out.shape)
    e = gm.functional.contribution_energy(delta, a, (3, 2), padding=(1, 0), **geometry)
    inside = oracle.padded(a.numpy(), (1, 1, 0, 0))
    expected = oracle.contribution_energy(delta.numpy(), inside, (3, 2), **geometry)
    assert np.allclose(e, expected)


@pytest.mark.parametrize("groups", [1, 2])
def test_contribution_energy_of_a_window_of_one_position(groups):
    a, delta = normal(2, 4, 9, 10), normal(2, 6, 5, 4)
    moves = {"stride": (2, 3), "groups": groups}
    e = gm.functional.contribution_energy(delta, a, (1, 1), **moves)
    expected = oracle.contribution_energy(delta.numpy(), a.numpy(), (1, 1), **moves)
    assert np.allclose(e, expected)


@pytest.mark.parametrize("groups", [None, 1, 2, 4])
def test_project_out_equals_the_oracle(groups):
    delta, z = normal(3, 4, 5, 6), 2 + 3 * normal(3, 4, 5, 6)
    expected = oracle.projected(delta.numpy(), z.numpy(), groups)
    assert np.allclose(gm.functional.project_out(delta, z, groups), expected)


@pytest.mark.parametrize("cached", [1, 300, 1000])
def test_project_out_equals_the_oracle_piece_by_piece(cached, monkeypatch):
    monkeypatch.setattr(gradmask.functional.projection, "_NUMBERS_CACHED", cached)
    delta, z = normal(7, 4, 5, 6), 2 + 3 * normal(7, 4, 5, 6)
    expected = oracle.projected(delta.numpy(), z.numpy(), None)
    assert np.allclose(gm.functional.project_out(delta, z), expected)


def test_project_out_removes_the_mean_of_a_constant_channel():
    delta, z = normal(3, 2, 5, 5), torch.ones(3, 2, 5, 5, dtype=F64)
    centred = delta - delta.mean((0, 2, 3), keepdim=True)
    assert torch.allclose(gm.functional.project_out(delta, z), centred)


@pytest.mark.parametrize("distance", [1e1, 1e2, 1e3, 1e4])
def test_project_out_never_grows_however_far_z_is_from_zero(distance):
    delta, z = normal(8, 2, 9, 9), normal(8, 2, 9, 9)
    delta = delta + z
    exact = gm.functional.project_out(delta, z + distance)
    found = gm.functional.project_out(delta.float(), (z + distance).float()).double()
    assert torch.linalg.vector_norm(found) <= torch.linalg.vector_norm(delta)
    if distance <= 1e2:
        eps = torch.finfo(torch.float32).eps
        assert torch.allclose(found, exact, rtol=0, atol=8 * eps * distance**2)


def test_project_out_writes_into_delta_only_if_it_may():
    delta, z = normal(3, 2, 5, 5), normal(3, 2, 5, 5)
    before = delta.clone()
    projected = gm.functional.project_out(delta, z)
    assert torch.equal(delta, before)
    assert torch.equal(gm.functional.project_out(delta, z, inplace=True), projected)
    assert torch.equal(delta, projected)


def test_project_out_is_as_precise_under_autocast():
    delta, z = normal(3, 2, 5, 5).float(), normal(3, 2, 5, 5).float()
    expected = gm.functional.project_out(delta, z)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(gm.functional.project_out(delta, z), expected)


def test_project_out_twice_is_once():
    delta, z = normal(3, 2, 5, 5), normal(3, 2, 5, 5)
    once = gm.functional.project_out(delta, z)
    assert torch.allclose(gm.functional.project_out(once, z), once)


def test_project_out_keeps_half_precision_and_empty_batches():
    delta, z = normal(3, 2, 5, 5), normal(3, 2, 5, 5)
    half = gm.functional.project_out(delta.bfloat16(), z.bfloat16())
    assert half.dtype == torch.bfloat16
    assert torch.allclose(half.double(), gm.functional.project_out(delta, z), atol=0.05)
    assert gm.functional.project_out(delta[:0], z[:0]).shape == (0, 2, 5, 5)


@given(seed=st.integers(0, 200))
def test_keep_largest_keeps_as_many_and_no_smaller_one(seed):
    torch.manual_seed(seed)
    score = torch.rand(4, 1, 6, 7)
    mask = torch.rand(4, 1, 6, 7) < torch.rand(4, 1, 1, 1)
    kept = gm.functional.keep_largest(score, mask)
    for s, m, k in zip(score, mask, kept, strict=True):
        assert k.sum() == m.sum()
        if 0 < k.sum() < k.numel():
            assert s[k].min() >= s[~k].max()


def test_keep_largest_counts_also_among_ties():
    mask = torch.rand(4, 1, 6, 7) < 0.3
    kept = gm.functional.keep_largest(torch.ones(4, 1, 6, 7), mask)
    assert kept.sum((1, 2, 3)).equal(mask.sum((1, 2, 3)))
