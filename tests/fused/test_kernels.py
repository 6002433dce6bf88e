"""The kernels against the formulas: on a GPU, or on a CPU in Triton's interpreter.

Without a GPU a test runs these tests once more, with TRITON_INTERPRET=1, which Triton
reads when it is imported.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support.ties import agree

import gradmask as gm
from gradmask import fused
from gradmask.fused import inhibition

pytest.importorskip("triton")

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
LAYOUTS = [torch.contiguous_format, torch.channels_last]
DTYPES = [torch.float32, torch.bfloat16, torch.float16]


@pytest.fixture(params=["cuda", "interpreter"])
def place(request):
    """Where kernels can run."""
    if request.param == "cuda":
        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")
        return torch.device("cuda")
    if not INTERPRETED:
        pytest.skip("in a process of its own: see the last test")
    return torch.device("cpu")


@pytest.fixture(autouse=True)
def _exact(monkeypatch):
    """Convolve in float32 where formulas do."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def errors(*shape, dtype=torch.float32, layout=torch.contiguous_format, place):
    """Errors with structure: some positions are strong."""
    samples, _, height, width = shape
    strength = torch.rand(samples, 1, height, width) ** 3
    delta = torch.randn(shape) * strength
    return delta.to(dtype).contiguous(memory_format=layout).to(place)


def logs(*sizes, place):
    return [gm.laplacian_of_gaussian(size / 5, size, device=place) for size in sizes]


def check(delta, kernels, threshold=0.0, energy=None):
    """Mask and product are the formulas', and one another's."""
    before = delta.clone()
    mask = fused.lateral(delta, kernels, threshold, energy, product=False)
    masked = fused.lateral(delta, kernels, threshold, energy, product=True)
    assert mask.dtype == torch.bool
    assert mask.shape == (len(delta), 1, *delta.shape[2:])
    assert (masked.dtype, masked.shape) == (delta.dtype, delta.shape)
    assert torch.equal(delta.nan_to_num(), before.nan_to_num())
    assert torch.equal(masked.nan_to_num(), (delta * mask).nan_to_num())
    assert agree(mask, delta, kernels, threshold, energy)
    return mask, masked


SHAPES = [(2, 1, 5, 5), (1, 3, 7, 9), (1, 33, 6, 5), (1, 2, 17, 16), (1, 2, 3, 40)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_shapes(shape, place):
    size = 5 if min(shape[2:]) >= 5 else 3
    mask, _ = check(errors(*shape, place=place), logs(size, place=place))
    assert 0 < mask.float().mean() < 1


@pytest.mark.parametrize("size", [3, 9, 15])
def test_kernels_up_to_the_size_of_the_map(size, place):
    check(errors(1, 2, size, size + 1, place=place), logs(size, place=place))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_precisions_and_layouts(dtype, layout, place):
    delta = errors(2, 6, 6, 7, dtype=dtype, layout=layout, place=place)
    _, masked = check(delta, logs(3, place=place))
    assert masked.stride() == delta.stride()


@pytest.mark.parametrize("threshold", [0.7, -0.5])
def test_thresholds_and_several_scales(threshold, place):
    check(errors(2, 3, 8, 7, place=place), logs(3, 5, place=place), threshold)


def test_samples_that_are_flat_or_not_finite_are_kept_whole(place):
    delta = errors(6, 2, 6, 6, place=place)
    delta[0] = torch.randn(2, 1, 1)
    delta[1, 1, 2, 3] = float("nan")
    delta[2, 0, 0, 0] = float("inf")
    delta[3, 0, 5, 0] = -float("inf")
    delta[4] = 0
    for threshold in (0.0, 0.5):
        mask, _ = check(delta, logs(3, place=place), threshold)
        assert mask[:5].all()
        assert not mask[5].all()


def test_a_scale_that_sees_nothing_adds_nothing(place):
    columns = torch.tensor([-1.0, 2, -1]).expand(3, 3) / 18**0.5
    blind = columns.to(place)
    delta = torch.ones(1, 1, 8, 8, device=place)
    delta[:, :, 2] = 2
    mask, _ = check(delta, [blind])
    assert mask.all()
    both, _ = check(delta, [blind, *logs(3, place=place)])
    assert not both.all()


@pytest.mark.parametrize("limit", ["_SMALL_SAMPLE", "_SMALL_FILTER"])
def test_large_maps_are_divided(limit, place, monkeypatch):
    monkeypatch.setattr(inhibition, limit, 0)
    for layout in LAYOUTS:
        delta = errors(2, 3, 6, 7, layout=layout, place=place)
        check(delta, logs(3, 5, place=place), 0.5)


def test_another_energy_may_compete(place):
    delta = errors(2, 3, 6, 7, place=place)
    energy = torch.rand(2, 1, 6, 7).to(place)
    check(delta, logs(3, place=place), 0.0, energy)


def test_other_strides_are_copied(place):
    delta = errors(2, 3, 7, 12, place=place)
    check(delta[..., ::2], logs(3, place=place))
    check(delta.transpose(2, 3), logs(3, place=place))


def test_empty_batches_pass(place):
    delta, kernels = torch.zeros(0, 3, 6, 6, device=place), logs(3, place=place)
    assert fused.lateral(delta, kernels, 0.0, product=True).shape == delta.shape
    assert fused.lateral(delta, kernels, 0.0, product=False).shape == (0, 1, 6, 6)
    assert fused.error_energy(delta).shape == (0, 1, 6, 6)
    assert fused.project_out(delta, delta) is delta


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES[:2], ids=str)
def test_error_energy(dtype, layout, place):
    delta = errors(2, 5, 6, 7, dtype=dtype, layout=layout, place=place)
    expected = gm.functional.error_energy(delta)
    assert torch.allclose(fused.error_energy(delta), expected)
    assert torch.allclose(fused.error_energy(delta, root=False), expected.square())


GEOMETRIES = [
    {"stride": (1, 1), "padding": (1, 0), "dilation": (1, 1)},
    {"stride": (2, 1), "padding": (1, 1), "dilation": (1, 2)},
]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_contribution_energy(geometry, place):
    a = torch.randn(2, 4, 9, 10, device=place)
    weight = torch.randn(6, 4, 3, 2, device=place)
    delta = torch.randn_like(torch.nn.functional.conv2d(a, weight, **geometry))
    expected = gm.functional.contribution_energy(
        *(t.double() for t in (delta, a)), (3, 2), **geometry
    )
    measured = fused.contribution_energy(delta, a, (3, 2), **geometry)
    assert torch.allclose(measured.double(), expected, 1e-5)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("groups", [None, 1, 2, 4])
def test_project_out(groups, layout, place):
    dtype = torch.float32 if groups != 2 else torch.bfloat16
    delta = errors(2, 4, 5, 7, dtype=dtype, layout=layout, place=place)
    z = errors(2, 4, 5, 7, dtype=dtype, layout=layout, place=place) * 3 + 2
    z[0, 0] = 1
    expected = gm.functional.project_out(delta.double(), z.double(), groups)
    before = delta.clone()
    measured = fused.project_out(delta, z, groups)
    assert measured.dtype == dtype
    assert torch.equal(delta, before)
    close = {"rtol": 0, "atol": 1e-6 if dtype == torch.float32 else 2e-2}
    assert torch.allclose(measured.double(), expected, **close)
    assert torch.equal(fused.project_out(delta, z, groups, inplace=True), measured)


def test_project_out_of_a_constant_channel_removes_its_mean(place):
    delta, z = torch.randn(3, 2, 5, 5), torch.ones(3, 2, 5, 5)
    centred = delta - delta.mean((0, 2, 3), keepdim=True)
    measured = fused.project_out(delta.to(place), z.to(place)).cpu()
    assert torch.allclose(measured, centred, atol=1e-6)


LARGE = [(3, 70, 57, 57), (2, 256, 14, 14), (130, 16, 28, 28), (1, 8, 130, 131)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="too slow to be interpreted")
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("shape", LARGE, ids=str)
def test_shapes_of_networks(shape, layout, place):
    delta = errors(*shape, layout=layout, place=place)
    check(delta, logs(5, place=place))
    check(delta, logs(5, 13, place=place), 0.5)
    z = torch.randn_like(delta) * 2 + 1
    for groups in (None, 2):
        expected = gm.functional.project_out(delta.double(), z.double(), groups)
        measured = fused.project_out(delta, z, groups)
        assert torch.allclose(measured.double(), expected, 0, 1e-5)


def test_formulas_serve_on_a_cpu_and_in_float64(device):
    for dtype in (torch.float32, torch.float64):
        if device.type == "mps" and dtype == torch.float64:
            continue
        t = torch.zeros(1, 1, 5, 5, dtype=dtype, device=device)
        by = "fused" if device.type == "cuda" and dtype != torch.float64 else "formulas"
        assert fused.engine(t) == by
        assert fused.serves(t) == (by == "fused")


@pytest.mark.skipif(INTERPRETED, reason="this is that process")
def test_interpreted_kernels_do_as_formulas_do():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    run = subprocess.run(
        [*command, "-k", "interpreter"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
