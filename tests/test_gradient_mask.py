"""The configuration: its values, its kernels, its masks and controls."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch
from support.networks import batch

import gradmask as gm


def test_it_is_an_immutable_value():
    inhibition = gm.GradientMask([1.0, 2], threshold=0.5)
    assert inhibition.sigmas == inhibition.sigma == (1.0, 2.0)
    assert inhibition == gm.GradientMask((1, 2), 0.5)
    assert hash(inhibition) == hash(gm.GradientMask((1, 2), 0.5))
    assert inhibition == pickle.loads(pickle.dumps(inhibition))
    with pytest.raises(dataclasses.FrozenInstanceError):
        inhibition.threshold = 1.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sigma": 0}, "sigma must be positive"),
        ({"sigma": (1.0, float("nan"))}, "sigma must be positive"),
        ({"sigma": ()}, "at least one scale"),
        ({"size": 4}, "size must be an odd"),
        ({"threshold": float("nan")}, "threshold must be finite"),
        ({"threshold": float("inf")}, "threshold must be finite"),
        ({"route": "sideways"}, "route must be one of"),
        ({"energy": "dark"}, "energy must be one of"),
        ({"select": "best"}, "select must be one of"),
        ({"kernel": "box"}, "kernel must be one of"),
        ({"energy": "contribution"}, 'energy="contribution" needs route="weights"'),
    ],
)
def test_bad_values_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        gm.GradientMask(**values)


@pytest.mark.parametrize("route", ["signal", "weights"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sigma", "12"),
        ("sigma", b"12"),
        ("sigma", True),
        ("sigma", None),
        ("sigma", ("1.0",)),
        ("sigma", [1.0, None]),
        ("sigma", 1 + 0j),
        ("sigma", torch.tensor(True)),
        ("threshold", True),
        ("threshold", "0.5"),
        ("threshold", None),
        ("size", 5.0),
        ("size", "5"),
        ("size", True),
        ("size", (5, 5)),
        ("seed", None),
        ("seed", 1.5),
        ("seed", "0"),
        ("seed", True),
        ("relative", "yes"),
        ("relative", 1),
        ("relative", None),
        ("project", "no"),
        ("project", 0),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(route, field, value):
    with pytest.raises(TypeError, match=f"^{field} must be .*, got ") as error:
        gm.GradientMask(route=route, **{field: value})
    several = field == "sigma" and isinstance(value, tuple | list)
    culprit = value[-1] if several else value
    assert str(error.value).endswith(f"got {culprit!r}")


@pytest.mark.parametrize("field", ["route", "energy", "select", "kernel"])
@pytest.mark.parametrize("value", [None, 1, ["signal"], ("log",)])
def test_a_choice_is_a_word(field, value):
    with pytest.raises(ValueError, match=f"^{field} must be one of"):
        gm.GradientMask(**{field: value})


def test_the_signal_route_projects_nothing():
    with pytest.raises(ValueError, match='project=False needs route="weights"'):
        gm.GradientMask(project=False)
    unprojected = gm.GradientMask(route="weights", project=False)
    assert not unprojected.project
    with pytest.raises(ValueError, match='project=False needs route="weights"'):
        dataclasses.replace(unprojected, route="signal")


@pytest.mark.parametrize(
    "make",
    [np.float32, np.float64, torch.tensor, lambda v: v],
    ids=["float32", "float64", "tensor", "itself"],
)
def test_numbers_of_numpy_and_torch_are_numbers(make):
    mask = gm.GradientMask(sigma=make(1.5), threshold=make(0.5))
    assert mask == gm.GradientMask(1.5, 0.5)
    assert hash(mask) == hash(gm.GradientMask(1.5, 0.5))
    assert repr(mask) == "GradientMask(sigma=(1.5,), threshold=0.5)"
    several = gm.GradientMask([make(1.5), make(2.5)])
    assert several.sigmas == (1.5, 2.5)


@pytest.mark.parametrize(
    "make", [np.int64, torch.tensor, int], ids=["int64", "tensor", "int"]
)
def test_integers_of_numpy_and_torch_are_integers(make):
    mask = gm.GradientMask(1, size=make(5), seed=make(3))
    assert mask == gm.GradientMask(1.0, size=5, seed=3)
    assert type(mask.size) is type(mask.seed) is int


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("log", gm.laplacian_of_gaussian),
        ("dog", gm.functional.difference_of_gaussians),
        ("unbalanced", gm.functional.unbalanced_laplacian_of_gaussian),
    ],
)
def test_kernels_are_those_of_the_library(kind, make):
    kernels = gm.GradientMask((0.6, 1.4), kernel=kind).kernels(28, 28)
    expected = [make(s) for s in (0.6, 1.4)]
    assert all(torch.equal(k, e) for k, e in zip(kernels, expected, strict=True))
    (kernel,) = gm.GradientMask(1.4, size=5, kernel=kind).kernels(
        28, 28, dtype=torch.float64
    )
    assert kernel.equal(make(1.4, size=5, dtype=torch.float64))


def test_kernels_that_do_not_fit_are_left_out():
    inhibition = gm.GradientMask((0.6, 1.4))
    sizes = [
        [len(k) for k in inhibition.kernels(*shape)]
        for shape in ((28, 28), (11, 28), (10, 28), (5, 5), (4, 28), (0, 3))
    ]
    assert sizes == [[5, 11], [5, 11], [5], [5], [], []]


def test_relative_scales_follow_the_width_and_are_cut_to_the_map():
    inhibition = gm.GradientMask(0.1, relative=True)
    for height, width, size in ((40, 40, 25), (20, 40, 19), (9, 40, 9), (3, 3, 3)):
        (kernel,) = inhibition.kernels(height, width, dtype=torch.float64)
        expected = gm.laplacian_of_gaussian(0.1 * width, size, dtype=torch.float64)
        assert kernel.equal(expected)
    assert inhibition.kernels(2, 40) == []
    assert inhibition.kernels(0, 0) == []
    (kernel,) = gm.GradientMask(0.1, size=7, relative=True).kernels(20, 40)
    assert kernel.equal(gm.laplacian_of_gaussian(4.0, 7))
    assert gm.GradientMask(0.1, size=7, relative=True).kernels(6, 40) == []


def test_lateral_selection_is_the_mask_of_the_formulas():
    delta = batch(side=20)
    kernels = [gm.laplacian_of_gaussian(s, dtype=torch.float64) for s in (0.6, 1.4)]
    mask = gm.GradientMask((0.6, 1.4), threshold=0.4).mask(delta)
    assert mask.equal(gm.gradient_mask(delta, kernels, 0.4))
    energy = torch.rand(4, 1, 20, 20, dtype=torch.float64)
    mask = gm.GradientMask((0.6, 1.4), threshold=0.4).mask(delta, energy=energy)
    assert mask.equal(gm.functional.lateral_mask(energy, kernels, 0.4))


@pytest.mark.parametrize("select", ["random", "top-k"])
def test_controls_keep_as_many_positions_of_every_sample(select):
    delta = batch(side=20)
    lateral = gm.GradientMask(1.0, threshold=0.4).mask(delta)
    control = gm.GradientMask(1.0, threshold=0.4, select=select).mask(delta)
    assert control.sum((1, 2, 3)).equal(lateral.sum((1, 2, 3)))
    assert not control.equal(lateral)


def test_top_k_keeps_the_loudest():
    delta = batch(side=20)
    energy = gm.functional.error_energy(delta)
    mask = gm.GradientMask(1.0, select="top-k").mask(delta)
    for e, m in zip(energy, mask, strict=True):
        assert e[m].min() > e[~m].max()


def test_random_keeps_positions_evenly_and_draws_from_its_generator():
    inhibition = gm.GradientMask(1.0, select="random")
    delta = torch.randn(1, 4, 12, 12).expand(2000, -1, -1, -1)
    mask = inhibition.mask(delta, generator=torch.Generator().manual_seed(1))
    again = inhibition.mask(delta, generator=torch.Generator().manual_seed(1))
    assert mask.equal(again)
    rate = float(gm.GradientMask(1.0).mask(delta[:1]).double().mean())
    deviation = (rate * (1 - rate) / 2000) ** 0.5
    assert (mask.double().mean(0) - rate).abs().max() < 5 * deviation


def test_nothing_to_mask_gives_none():
    assert gm.GradientMask(1.0).mask(torch.zeros(2, 3)) is None
    assert gm.GradientMask(1.0).mask(torch.zeros(2, 3, 6, 6)) is None
    assert gm.GradientMask(1.0, select="all").mask(batch()) is None
    assert gm.GradientMask(1.0).mask(torch.zeros(0, 3, 9, 9)).shape == (0, 1, 9, 9)


def test_theorys_choice_is_a_configuration_like_any_other():
    chosen = gm.GradientMask.from_theory()
    assert chosen == gm.GradientMask(
        0.25, relative=True, route="weights", energy="contribution"
    )
    assert chosen.project
    control = dataclasses.replace(chosen, select="random", seed=3)
    assert (control.select, control.sigmas, control.seed) == ("random", (0.25,), 3)


@pytest.mark.parametrize("side", [3, 8, 33])
def test_theorys_choice_masks_maps_of_every_size(side):
    delta = batch(side=side)
    mask = gm.GradientMask.from_theory().mask(delta)
    rate = mask.float().mean((1, 2, 3))
    assert ((rate > 0) & (rate < 1)).all()
    assert gm.GradientMask.from_theory().mask(delta[..., :2, :2]) is None


@pytest.mark.parametrize("sigma", [1.3, 0.25])
def test_what_inference_mode_asked_for_first_serves_autograd_later(sigma):
    inhibition = gm.GradientMask(sigma, relative=sigma < 1)
    energy = batch(channels=1, side=37)  # no other test asks for this size
    with torch.inference_mode():
        inhibition.mask(energy)
    (kernel,) = inhibition.kernels(37, 37, dtype=energy.dtype, device=energy.device)
    assert not kernel.is_inference()
    response = gm.functional.lateral_response(energy.requires_grad_(), kernel)
    response.square().sum().backward()
    assert energy.grad.isfinite().all()
