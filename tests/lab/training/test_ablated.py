"""The masks of the ablations, and their schedules, against plain rewrites."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from gradmask import GradientMask
from gradmask.functional import error_energy
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import cluttered_scenes
from gradmask.lab.networks.small import small_resnet
from gradmask.lab.training.ablated import AblatedMask
from gradmask.lab.training.loop import stages, train
from gradmask.lab.training.variants import MASKS, build, schedule

THEORY = MASKS["theory"]


@pytest.fixture(scope="module")
def scenes():
    return cluttered_scenes(load_fashion_mnist().train, 40, seed=0)


@pytest.fixture
def delta():
    return torch.randn(3, 4, 9, 9, generator=torch.Generator().manual_seed(0))


def test_without_its_options_it_is_the_librarys_mask(delta):
    ours, theirs = AblatedMask(1.0).mask(delta), GradientMask(1.0).mask(delta)
    assert torch.equal(ours, theirs.to(ours.dtype))


def test_soft_weights_are_a_logistic_function_of_the_response(delta):
    mask = AblatedMask(1.0, size=5, soft=True)
    (kernel,) = mask.kernels(9, 9)
    for sample, weights in zip(delta, mask.mask(delta), strict=True):
        energy = sample.double().square().sum(0).sqrt().numpy()
        response = ndimage.correlate(energy, kernel.double().numpy(), mode="mirror")
        expected = 1 / (1 + np.exp(-2 * response / response.std()))
        np.testing.assert_allclose(weights[0], expected, rtol=1e-4)


def test_soft_weights_of_a_flat_map_are_one():
    flat = torch.ones(2, 4, 9, 9)
    assert torch.equal(AblatedMask(1.0, soft=True).mask(flat), torch.ones(2, 1, 9, 9))


def test_soft_weights_follow_the_energy_that_competes(delta):
    mask = AblatedMask(1.0, soft=True, route="weights", energy="contribution")
    other = delta.flip(0)
    assert torch.equal(mask.mask(delta, energy=error_energy(other)), mask.mask(other))


@pytest.mark.parametrize("soft", [False, True])
def test_rescaling_keeps_the_norm_of_every_sample(delta, soft):
    weights = AblatedMask(1.0, rescaled=True, soft=soft).mask(delta)
    norms = (weights * delta).flatten(1).norm(dim=1)
    torch.testing.assert_close(norms, delta.flatten(1).norm(dim=1))


def test_rescaling_nothing_gives_nothing(delta):
    delta[1] = 0
    weights = AblatedMask(1.0, rescaled=True).mask(delta)
    assert weights.isfinite().all()


def test_depth_divides_the_convolutions_between_early_and_late():
    model = small_resnet(seed=0)
    names = [n for n, m in model.named_modules() if isinstance(m, nn.Conv2d)]
    found = []
    for depth in ([0, 0.5], [0.5, 1]):
        with build(THEORY | {"depth": depth}, 0).attach(model) as handle:
            found += handle.sites
    assert found == names


def test_sites_are_matched_by_their_whole_name():
    model = small_resnet(widths=(8, 8), seed=0)
    branches = MASKS["signal"] | {"sites": r".*body\.1"}
    with build(branches, 0).attach(model) as handle:
        assert handle.sites == ("3.body.1", "4.body.1")
    with pytest.raises(ValueError, match="nothing to attach to"):
        build(branches | {"sites": "body"}, 0).attach(model)


def test_a_schedule_gives_every_epoch_the_mask_of_its_phase():
    masks = schedule([[0.5, None], [1, THEORY]], seed=3, epochs=6)
    expected = [None] * 3 + [GradientMask.from_theory()] * 3
    assert [mask and build(THEORY, 0) for mask in map(masks, range(1, 7))] == expected
    assert masks(6).seed == 3
    always = schedule(THEORY, seed=3, epochs=2)
    assert always(1) is always(2)


def test_training_follows_a_schedule_and_leaves_no_mask(scenes):
    def weights(inhibition):
        model = small_resnet(widths=(8, 16), seed=3)
        passes = train(
            model, scenes, epochs=2, seed=3, batch_size=20, inhibition=inhibition
        )
        seen = [
            [p.detach().clone() for p in model.parameters()] for _ in stages(passes)
        ]
        assert not any(m._forward_hooks for m in model.modules())
        return seen

    mask = GradientMask.from_theory()
    plain, masked = weights(None), weights(mask)
    late = weights(schedule([[0.5, None], [1, THEORY]], seed=0, epochs=2))
    assert all(map(torch.equal, late[1], plain[1]))
    assert not all(map(torch.equal, late[2], plain[2]))
    early = weights(lambda number: mask if number == 1 else None)
    assert all(map(torch.equal, early[1], masked[1]))
    assert not all(map(torch.equal, early[2], masked[2]))
