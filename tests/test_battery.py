"""What every public function of tensors must stand, one line of a table for each.

Every dtype and device, empty batches, strided memory, compiled code, and gradients
against finite differences.  A function that is missing from the table fails a test.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.utils._pytree import tree_leaves, tree_map

import gradmask as gm
from gradmask import functional, quality, saliency, theory

HALVES = (torch.float16, torch.bfloat16)
SINGLE = (torch.float32, torch.float64)
KERNEL = gm.laplacian_of_gaussian(1.0, 5, dtype=torch.float64)
OBJECT = torch.zeros(9, 9).index_fill(0, torch.tensor([4]), 1) > 0


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def share(*shape, seed=0):
    return 0.1 + 0.8 * normal(*shape, seed=seed).sigmoid()


def delta(n, seed=0):
    return normal(n, 3, 9, 8, seed=seed)


def boxes(n, seed=0):
    start = 3 * share(n, 2, seed=seed)
    return torch.cat([start, start + 2 + share(n, 2, seed=seed + 1)], 1)


def kernel_for(t):
    """A kernel of at least float32: one of half precision is not balanced."""
    return KERNEL.to(t.device, single(t.dtype))


def as_given(t):
    return t


def single(t):
    """Half precision is computed in single precision, and stays there."""
    return torch.float32 if t in HALVES else t


def double(t):
    return torch.float64


def boolean(t):
    return torch.bool


def integer(t):
    return torch.int64


@dataclass(frozen=True)
class Case:
    """A function and arguments for a batch of n, in float64 on the CPU."""

    function: Callable[..., Any]
    given: Callable[[int], tuple[Any, ...]]
    out: Callable[[torch.dtype], torch.dtype] = as_given
    dtypes: tuple[torch.dtype, ...] = (*HALVES, *SINGLE)
    batched: bool = True
    smooth: bool = True
    compiled: str | None = "whole"  # or in "pieces", where a value is looked at
    on_cpu: bool = False  # whatever the device of the arguments


def both_estimates(*grads):
    q = quality.gradient_quality(dict(enumerate(grads)))
    return torch.tensor([q.value, q.stderr], dtype=torch.float64)


def both_parts(*grads):
    spread = quality.quality_spread(dict(enumerate(grads)))
    return torch.tensor([spread.value, spread.single, spread.paired]).double()


def made(make):
    """A function that takes a dtype and a device, here those of a tensor."""
    return Case(
        lambda like: make(1.4, dtype=like.dtype, device=like.device),
        lambda n: (normal(1),),
        batched=False,
        smooth=False,
    )


def closed(function, *positions, **options):
    """A closed form, at shares or at the given constants."""
    return Case(
        function,
        lambda n: tuple(
            share(n, seed=i) if value is None else torch.full((n,), value).double()
            for i, value in enumerate(positions)
        ),
        dtypes=SINGLE,
        **options,
    )


def detector(function, *rest, **options):
    return Case(
        function,
        lambda n: (KERNEL, OBJECT, 0.5, 16, *rest),
        out=double,
        batched=False,
        compiled=None,
        on_cpu=True,
        **options,
    )


CASES = {
    # functional
    "laplacian_of_gaussian": made(functional.laplacian_of_gaussian),
    "difference_of_gaussians": made(functional.difference_of_gaussians),
    "unbalanced_laplacian_of_gaussian": made(
        functional.unbalanced_laplacian_of_gaussian
    ),
    "error_energy": Case(functional.error_energy, lambda n: (delta(n),), single),
    "contribution_energy": Case(
        lambda d, a: functional.contribution_energy(d, a, (3, 3), padding=(1, 1)),
        lambda n: (delta(n), normal(n, 2, 9, 8, seed=1)),
        single,
    ),
    "lateral_response": Case(
        functional.lateral_response,
        lambda n: (share(n, 1, 9, 8), KERNEL),
        single,
    ),
    "lateral_mask": Case(
        lambda e: functional.lateral_mask(e, kernel_for(e), 0.3),
        lambda n: (share(n, 1, 9, 8),),
        boolean,
        SINGLE,  # the rounding of an energy of half precision counts
        smooth=False,
    ),
    "gradient_mask": Case(
        lambda d: functional.gradient_mask(d, [kernel_for(d)], 0.3),
        lambda n: (delta(n),),
        boolean,
        smooth=False,
    ),
    "keep_largest": Case(
        functional.keep_largest,
        lambda n: (share(n, 1, 9, 8), normal(n, 1, 9, 8, seed=1) > 0),
        boolean,
        smooth=False,
    ),
    "lateral_weights": Case(
        lambda e: functional.lateral_weights(e, kernel_for(e)),
        lambda n: (share(n, 1, 9, 8),),
        single,
        SINGLE,  # weights of half-precision energies follow their rounding
        batched=False,
    ),
    "rearrange": Case(
        functional.rearrange,
        lambda n: (share(n, 1, 9, 8), normal(n, 1, 9, 8, seed=1)),
        smooth=False,
    ),
    "project_out": Case(functional.project_out, lambda n: (delta(n), delta(n, seed=1))),
    # quality
    "gradient_quality": Case(
        both_estimates,
        lambda n: (1 + normal(4, 3, 2), normal(4, 5, seed=1)),
        double,
        batched=False,
        smooth=False,
        on_cpu=True,
    ),
    "quality_spread": Case(
        both_parts,
        lambda n: (1 + normal(6, 3, 2), normal(6, 5, seed=1)),
        double,
        batched=False,
        smooth=False,
        on_cpu=True,
    ),
    "lateral_quality": Case(
        lambda d: quality.lateral_quality(d, kernel_for(d)),
        lambda n: (delta(n),),
        single,
        compiled="pieces",
    ),
    # saliency
    "saliency_box": Case(
        saliency.saliency_box,
        lambda n: (share(n, 9, 8),),
        integer,
        smooth=False,
        compiled="pieces",
    ),
    "box_iou": Case(
        saliency.box_iou, lambda n: (boxes(n), boxes(n, seed=2)), compiled="pieces"
    ),
    "energy_in_box": Case(
        saliency.energy_in_box,
        lambda n: (share(n, 9, 8), boxes(n).round().long()),
        compiled="pieces",
    ),
    # theory
    "snr_gain": closed(theory.snr_gain, None, None, None, compiled="pieces"),
    "hit_rate": closed(theory.hit_rate, None, None),
    "false_alarm_rate": closed(theory.false_alarm_rate, None),
    "noise_selection": closed(
        theory.noise_selection, None, None, 32, compiled="pieces"
    ),
    "selected_hit_rate": closed(
        theory.selected_hit_rate, None, None, None, 32, None, compiled="pieces"
    ),
    "selected_false_alarm_rate": closed(
        theory.selected_false_alarm_rate, None, None, 32, compiled="pieces"
    ),
    "correlated_rate": closed(theory.correlated_rate, None, 3),
    "varying_signal_gain": closed(theory.varying_signal_gain, 2, None, None),
    "break_even_batch": closed(theory.break_even_batch, 2, None, None),
    "background_bias": closed(theory.background_bias, None, 32, compiled="pieces"),
    "union_false_alarm_rate": closed(
        theory.union_false_alarm_rate, None, compiled="pieces"
    ),
    "best_scale": closed(theory.best_scale, None, compiled="pieces"),
    "effective_channels": Case(
        lambda v: torch.tensor(theory.effective_channels(v), dtype=torch.float64),
        lambda n: (share(5),),
        double,
        SINGLE,
        batched=False,
        smooth=False,
        on_cpu=True,
    ),
    "kernel_correlation": Case(
        lambda *kernels: torch.tensor(
            theory.kernel_correlation(*kernels), dtype=torch.float64
        ),
        lambda n: (KERNEL, gm.laplacian_of_gaussian(2.0, 9, dtype=torch.float64)),
        double,
        batched=False,
        smooth=False,
        on_cpu=True,
    ),
    "energy_moments": Case(
        lambda strength: theory.energy_moments(strength, 16),
        lambda n: (share(n),),
        double,
        SINGLE,
        compiled="pieces",
        on_cpu=True,
    ),
    "detectability_map": detector(theory.detectability_map),
    "noise_threshold": detector(lambda *a: theory.noise_threshold(1.0, *a)),
    "predict_gain": detector(
        lambda *a: torch.tensor(theory.predict_gain(*a), dtype=torch.float64),
        smooth=False,
    ),
    "agreement": closed(theory.agreement, None, 3, None, compiled="pieces"),
    "guaranteed_drop": closed(
        theory.guaranteed_drop, None, None, None, compiled="pieces"
    ),
    "half_gain": closed(theory.half_gain, None, None, compiled="pieces"),
    "posterior": closed(theory.posterior, None, None, None, compiled="pieces"),
    "posterior_variance": closed(
        theory.posterior_variance, None, None, compiled="pieces"
    ),
    "wiener_factor": closed(theory.wiener_factor, None, None, compiled="pieces"),
    "soft_gain": closed(theory.soft_gain, None, None, compiled="pieces"),
    "best_threshold": closed(
        theory.best_threshold, None, None, smooth=False, compiled="pieces"
    ),
    "critical_strength": Case(
        lambda kernel: torch.tensor(
            theory.critical_strength(kernel, OBJECT, 16), dtype=torch.float64
        ),
        lambda n: (KERNEL,),
        double,
        SINGLE,  # a kernel of half precision is not balanced
        batched=False,
        smooth=False,
        compiled=None,
        on_cpu=True,
    ),
    "predict_soft_gain": detector(
        lambda *a: torch.tensor(theory.predict_soft_gain(*a).gain).double(),
        smooth=False,
    ),
    "normalised_gain": Case(
        lambda a, z: torch.tensor(
            theory.normalised_gain(0.9, 0.3, OBJECT, a, z), dtype=torch.float64
        ),
        lambda n: (normal(2, 4, 9, 9), normal(2, 3, 9, 9, seed=1)),
        double,
        batched=False,
        smooth=False,
        compiled=None,
        on_cpu=True,
    ),
}
NOT_OF_TENSORS = {"per_sample_gradients", "lateral_saliency"}  # they take a network


def of(**wanted):
    """Parametrise a test by the cases that have these properties."""
    names = [
        name
        for name, case in CASES.items()
        if all(getattr(case, key) == value for key, value in wanted.items())
    ]
    return pytest.mark.parametrize("name", names)


def tensors(arguments, change):
    """Arguments whose tensors are changed."""
    return tree_map(
        lambda a: change(a) if isinstance(a, torch.Tensor) else a, arguments
    )


def floats(arguments, change):
    """Arguments whose floating-point tensors are changed."""
    return tensors(arguments, lambda t: change(t) if t.is_floating_point() else t)


def agree(results, expected, dtype=torch.float64):
    for r, e in zip(tree_leaves(results), tree_leaves(expected), strict=True):
        assert r.shape == e.shape
        tolerance = 100 * torch.finfo(dtype).eps
        close = {"rtol": tolerance, "atol": tolerance, "check_device": False}
        torch.testing.assert_close(r, e, check_dtype=False, **close)


def test_no_public_function_of_tensors_is_missing():
    public = {
        name
        for room in (functional, quality, saliency, theory)
        for name in room.__all__
        if inspect.isfunction(getattr(room, name))
    }
    assert public - NOT_OF_TENSORS == set(CASES)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, dtype) for name, case in CASES.items() for dtype in case.dtypes],
)
def test_every_dtype(name, dtype, device):
    """As in float64 on the CPU, up to the rounding of the result or of float32."""
    if device.type == "mps" and dtype == torch.float64:
        pytest.skip("no float64 on MPS")
    case = CASES[name]
    given = floats(case.given(2), lambda t: t.to(dtype))
    expected = case.function(*floats(given, torch.Tensor.double))
    results = case.function(*tensors(given, lambda t: t.to(device)))
    for result in tree_leaves(results):
        assert result.dtype == case.out(dtype)
        assert result.device.type == ("cpu" if case.on_cpu else device.type)
    agree(results, expected, dtype if case.out(dtype) == dtype else single(dtype))


@of(batched=True)
def test_an_empty_batch_gives_an_empty_result(name, device):
    case = CASES[name]
    given = (floats(case.given(n), torch.Tensor.float) for n in (2, 0))
    some, none = (case.function(*tensors(g, lambda t: t.to(device))) for g in given)
    for one, other in zip(tree_leaves(some), tree_leaves(none), strict=True):
        assert other.shape == (0, *one.shape[1:])
        assert other.dtype == one.dtype
        assert other.device == one.device


def strided(t):
    """The same values, with gaps, and the last dimension not the fastest."""
    t = t.mT if t.dim() > 1 else t
    gaps = t.new_full((*t.shape, 2), torch.nan if t.is_floating_point() else 0)
    gaps[..., 0] = t
    return gaps[..., 0].mT if t.dim() > 1 else gaps[..., 0]


def channels_last(t):
    return t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t


@pytest.mark.parametrize("layout", [strided, channels_last], ids=lambda f: f.__name__)
@of()
def test_memory_may_be_laid_out_in_any_way(name, layout):
    case = CASES[name]
    given = case.given(2)
    laid_out = tensors(given, layout)
    if layout is strided:
        there = [a for a in tree_leaves(laid_out) if torch.is_tensor(a)]
        assert not any(t.is_contiguous() for t in there if t.numel() > 1)
    agree(case.function(*laid_out), case.function(*given))


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if case.compiled])
def test_it_compiles(name):
    case = CASES[name]
    torch.compiler.reset()
    whole = case.compiled == "whole"
    compiled = torch.compile(case.function, backend="eager", fullgraph=whole)
    given = case.given(2)
    agree(compiled(*given), case.function(*given))


@of(smooth=True)
def test_gradients_equal_finite_differences(name):
    case = CASES[name]
    given = floats(case.given(2), lambda t: t.clone().requires_grad_())
    assert torch.autograd.gradcheck(case.function, given)
