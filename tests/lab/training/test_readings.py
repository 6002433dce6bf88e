"""Other readings of the abstract, position by position."""

import numpy as np
import pytest
import torch

from gradmask.lab.training.readings import BlurMask, SubtractiveInhibition

PROFILE = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 11**2))
GAUSSIAN = np.outer(PROFILE, PROFILE)
GAUSSIAN /= GAUSSIAN.sum()


def windows(energy):
    padded = np.pad(energy, 2, mode="reflect")
    for y, x in np.ndindex(*energy.shape):
        yield y, x, padded[y : y + 5, x : x + 5]


@pytest.fixture
def delta():
    return torch.randn(3, 4, 7, 9, dtype=torch.float64)


def energies(delta):
    return np.sqrt((delta.numpy() ** 2).sum(1))


def test_the_blur_keeps_what_is_above_its_mean(delta):
    found = BlurMask(1.0, size=5).mask(delta)
    for mask, energy in zip(found[:, 0], energies(delta), strict=True):
        blurred = np.empty_like(energy)
        for y, x, window in windows(energy):
            blurred[y, x] = (GAUSSIAN * window).sum()
        assert np.array_equal(mask.numpy(), blurred > blurred.mean())


def test_inhibition_subtracts_half_of_the_surround(delta):
    found = SubtractiveInhibition(1.0, size=5).mask(delta)
    around = GAUSSIAN.copy()
    around[2, 2] = 0
    around /= around.sum()
    for weights, energy in zip(found[:, 0], energies(delta), strict=True):
        wanted = np.empty_like(energy)
        for y, x, window in windows(energy):
            surround = (around * window).sum()
            wanted[y, x] = max(0, 1 - 0.5 * surround / energy[y, x])
        np.testing.assert_allclose(weights.numpy(), wanted / wanted.mean(), rtol=1e-9)


@pytest.mark.parametrize("reading", [BlurMask, SubtractiveInhibition])
def test_nothing_to_choose_is_kept_whole(reading):
    mask = reading(1.0, size=5).mask(torch.zeros(1, 2, 6, 6))
    assert (mask == 1).all()
    assert reading(1.0, size=5).mask(torch.randn(1, 2, 4, 4)) is None
    assert reading(1.0, size=5).mask(torch.randn(2, 3)) is None


@pytest.mark.parametrize("reading", [BlurMask, SubtractiveInhibition])
def test_what_is_louder_is_kept_more(reading):
    delta = torch.ones(1, 1, 9, 9)
    delta[..., 4, 4] = 5
    mask = reading(1.0, size=5).mask(delta)[0, 0].float()
    assert mask[4, 4] == mask.max()
    assert mask[4, 4] > mask[0, 0]


def test_an_error_may_keep_its_length(delta):
    usual = SubtractiveInhibition(1.0, size=5)
    kept = SubtractiveInhibition(1.0, size=5, keeps_length=True)
    before, after = (t.flatten(1).norm(dim=1) for t in (delta, kept.masked(delta)))
    torch.testing.assert_close(after, before)
    assert (usual.masked(delta).flatten(1).norm(dim=1) > before).all()
    ratio = kept.mask(delta) / usual.mask(delta)
    for one in ratio:
        known = one[one.isfinite()]
        torch.testing.assert_close(known, known[:1].expand_as(known))
    assert (kept.mask(torch.zeros(1, 2, 6, 6)) == 1).all()


@pytest.mark.parametrize("keeps_length", [False, True])
def test_no_position_without_an_error_takes_the_weight_of_others(keeps_length):
    torch.manual_seed(0)
    delta = torch.randn(64, 1, 31, 31) * (torch.rand(64, 1, 31, 31) < 0.1)
    mask = SubtractiveInhibition(1.0, size=5, keeps_length=keeps_length).mask(delta)
    assert mask.isfinite().all()
    assert (mask[delta == 0] == 0).all()
    exact = SubtractiveInhibition(1.0, size=5, keeps_length=keeps_length)
    torch.testing.assert_close(mask, exact.mask(delta.double()).float())
