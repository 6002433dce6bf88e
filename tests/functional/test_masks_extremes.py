"""Flat, silent, infinite, tiny, huge and empty maps, and maps of the wrong shape."""

import pytest
import torch

import gradmask as gm

FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
# Up to 15 wide directly, above by cosine transform.
KERNELS = [(0.5, 3), (1.4, 5), (1.4, 9), (2.3, 15), (2.8, 17), (5.0, 31), (10.0, 61)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("sigma", "size"), KERNELS)
def test_flat_maps_are_kept_whole(dtype, sigma, size, device):
    kernel = gm.laplacian_of_gaussian(sigma, size).to(device)
    for side in (size, size + 6):
        for channels in (1, 7, 64):
            batch = max(1, 40_000 // side**2)
            scale = 10.0 ** (4 * torch.rand(batch, 1, 1, 1) - 2)
            vector = scale * torch.randn(batch, channels, 1, 1)
            delta = vector.to(dtype).to(device).expand(-1, -1, side, side + 1)
            assert gm.gradient_mask(delta, kernel).all()
            assert gm.gradient_mask(delta, kernel, threshold=1.0).all()


def test_the_gradient_of_global_average_pooling_is_kept_whole():
    z = torch.randn(8, 32, 7, 7, requires_grad=True)
    weight = torch.randn(32, 10)
    (z.mean((2, 3)) @ weight).logsumexp(1).sum().backward()
    assert gm.gradient_mask(z.grad, gm.laplacian_of_gaussian(1.0)).all()


@pytest.mark.parametrize(("sigma", "size"), KERNELS)
def test_faint_structure_counts(sigma, size):
    """A bump of the kernel's own size, one part in a hundred thousand high."""
    side = size + 8
    axis = torch.arange(side) - side // 2
    r2 = axis[:, None] ** 2 + axis**2
    e = 1 + 1e-5 * (r2 < 2 * sigma**2).float()[None, None]
    mask = gm.functional.lateral_mask(e, gm.laplacian_of_gaussian(sigma, size))
    assert mask[..., side // 2, side // 2].all()
    assert not mask.all()


def test_a_flat_scale_adds_no_rounding_at_any_threshold():
    noise = torch.randint(2, (5, 1, 20, 20), dtype=torch.float64)
    e = 1 + torch.finfo(noise.dtype).eps * noise
    off_centre = -gm.functional.unbalanced_laplacian_of_gaussian(
        1.4, 5, dtype=torch.float64
    )
    balanced = gm.laplacian_of_gaussian(2.0, dtype=torch.float64)
    assert not gm.functional.lateral_mask(
        e, [off_centre, balanced], threshold=-1e3
    ).any()


@pytest.mark.parametrize("sigma", [1.0, 2.8])
def test_what_is_flat_around_is_not_kept(sigma):
    e = torch.ones(1, 1, 60, 60)
    e[..., 30, 30] = 100
    mask = gm.functional.lateral_mask(e, gm.laplacian_of_gaussian(sigma))
    assert mask[..., 30, 30].all()
    assert not mask[..., :15, :].any()


@pytest.mark.parametrize("sigma", [1.0, 2.8])
def test_silent_regions_are_not_counted_as_kept(sigma):
    delta = torch.zeros(2, 3, 60, 60)
    delta[..., 20:30, 20:30] = torch.randn(2, 3, 10, 10)
    mask = gm.gradient_mask(delta, gm.laplacian_of_gaussian(sigma))
    assert not mask[..., 45:, :].any()


@pytest.mark.parametrize("sigma", [1.0, 2.8])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_maps_that_are_not_finite_are_kept_whole(sigma, bad):
    delta = torch.randn(3, 2, 20, 20)
    delta[1, 0, 4, 5] = bad
    mask = gm.gradient_mask(delta, gm.laplacian_of_gaussian(sigma), 0.5)
    assert mask[1].all()
    assert not mask[0].all()
    assert not mask[2].all()


@pytest.mark.parametrize("sigma", [1.0, 2.8])
def test_zero_maps_stay_zero_and_are_kept(sigma):
    delta = torch.zeros(2, 3, 20, 20)
    mask = gm.gradient_mask(delta, gm.laplacian_of_gaussian(sigma), 0.5)
    assert mask.all()
    assert (mask * delta).eq(0).all()


@pytest.mark.parametrize("sigma", [1.0, 2.8])
def test_empty_batches_pass(sigma):
    delta = torch.zeros(0, 3, 20, 20)
    kernels = [gm.laplacian_of_gaussian(sigma)]
    assert gm.gradient_mask(delta, kernels, 0.5).shape == (0, 1, 20, 20)
    energy = gm.functional.error_energy(delta)
    assert gm.functional.lateral_response(energy, kernels[0]).shape == (0, 1, 20, 20)


@pytest.mark.parametrize("value", [6e4, 6e-8])
def test_half_precision_neither_over_nor_underflows(value, device):
    delta = torch.zeros(1, 64, 9, 9, dtype=torch.float16, device=device)
    delta[..., 4, 4] = value
    energy = gm.functional.error_energy(delta)
    assert energy.dtype == torch.float32
    peak = 8 * delta[0, 0, 4, 4].double().item()
    assert energy[0, 0, 4, 4].item() == pytest.approx(peak)
    mask = gm.gradient_mask(delta, gm.laplacian_of_gaussian(1.0).to(device))
    assert mask[0, 0, 4, 4]
    assert mask.sum() < 20


def test_float32_energies_are_safe_where_the_docstring_says_so():
    for value in (1e-18, 1e18):
        assert gm.functional.error_energy(torch.full((1, 2, 1, 1), value)) > 0
        assert gm.functional.error_energy(torch.full((1, 2, 1, 1), value)).isfinite()
    assert gm.functional.error_energy(torch.full((1, 1, 1, 1), 1e-23)) == 0
    assert gm.functional.error_energy(torch.full((1, 1, 1, 1), 1e20)).isinf()


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5, 6), (7,)])
def test_maps_must_have_four_dimensions(shape):
    t = torch.zeros(shape)
    kernel = gm.laplacian_of_gaussian(0.5, 3)
    with pytest.raises(ValueError, match=r"delta must have shape \(B, C, H, W\)"):
        gm.functional.error_energy(t)
    with pytest.raises(ValueError, match="delta must have shape"):
        gm.gradient_mask(t, kernel)
    with pytest.raises(ValueError, match="energy must have shape"):
        gm.functional.lateral_response(t, kernel)
    with pytest.raises(ValueError, match="activation must have shape"):
        gm.functional.contribution_energy(torch.zeros(1, 1, 3, 3), t, (3, 3))


def test_energies_have_one_channel():
    with pytest.raises(ValueError, match="energy must have one channel"):
        gm.functional.lateral_response(
            torch.zeros(1, 2, 9, 9), gm.laplacian_of_gaussian(1.0)
        )


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (3,), (1, 3, 3)])
def test_kernels_are_square_and_odd(shape):
    with pytest.raises(ValueError, match="kernel must be square and odd"):
        gm.functional.lateral_response(torch.zeros(1, 1, 9, 9), torch.zeros(shape))


def test_maps_smaller_than_the_kernel_are_refused():
    with pytest.raises(ValueError, match="8x9 positions is smaller than the 9x9"):
        gm.functional.lateral_response(
            torch.zeros(1, 1, 8, 9), gm.laplacian_of_gaussian(1.4, 9)
        )


def test_a_kernel_is_needed():
    with pytest.raises(ValueError, match="at least one kernel"):
        gm.gradient_mask(torch.zeros(1, 1, 9, 9), [])
