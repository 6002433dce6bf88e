"""Closed forms for lateral quality against shuffles and Monte-Carlo."""

import math

import pytest
import torch
from scipy import stats

import gradmask as gm
from gradmask.lab.simulation import fields as calibration
from gradmask.lab.simulation.gradients import disc, error_signals

LOG = gm.laplacian_of_gaussian(1.0, dtype=torch.float64)


def draw(name, count=200, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return calibration.FIELDS[name]((count, 16, 20, 20), generator).double()


@pytest.mark.parametrize("name", calibration.FIELDS)
@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_fields_without_structure_have_the_null_contrast_and_no_quality(
    name, threshold
):
    delta = draw(name)
    energy = gm.functional.error_energy(delta)
    measured = calibration.contrast(
        energy, gm.functional.lateral_mask(energy, LOG, threshold)
    )
    predicted = calibration.null_contrast(energy, LOG, threshold)
    assert predicted.mean() == pytest.approx(measured.mean().item(), abs=0.03)
    quality = gm.lateral_quality(delta, LOG, threshold)
    assert abs(quality.mean()) < 4 * quality.std() / math.sqrt(len(quality))


def test_the_null_contrast_of_gaussian_noise_is_the_selection_of_the_analysis():
    delta = torch.randn(50, 128, 28, 28, dtype=torch.float64)
    predicted = (
        calibration.null_contrast(gm.functional.error_energy(delta), LOG).mean().item()
    )
    assert predicted == pytest.approx(
        gm.theory.noise_selection(0, LOG.max().item(), 128), rel=0.02
    )


def test_contrast_of_a_mask_by_hand():
    energy = torch.tensor([3.0, 1.0, 1.0, 2.0]).view(1, 1, 2, 2)
    mask = torch.tensor([True, False, False, True]).view(1, 1, 2, 2)
    assert calibration.contrast(energy, mask).item() == pytest.approx(5.5 / 7.5)
    even = torch.full_like(energy, 0.5)
    assert calibration.contrast(energy, even).item() == 0


def test_kept_share_is_the_probability_over_random_places():
    energy = torch.randn(1, 1, 24, 24, dtype=torch.float64).abs()
    generator = torch.Generator().manual_seed(0)
    loudest = energy.flatten().argsort(descending=True)
    kept = torch.zeros(576, dtype=torch.float64)
    count = 600
    for _ in range(count):
        order = torch.randperm(576, generator=generator)
        moved = energy.flatten()[order].view(1, 1, 24, 24)
        kept[order] += gm.functional.lateral_mask(moved, LOG).flatten().double() / count
    predicted = calibration.kept_share(energy, LOG).flatten()
    for group in loudest.chunk(8):
        expected = predicted[group].mean().item()
        assert kept[group].mean().item() == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("radius", "sigma", "strength"), [(4, 2.8, 0.5), (4, 4.0, 1.0), (6, 4.0, 0.3)]
)
def test_the_quality_of_an_object_is_predicted(radius, sigma, strength):
    support = disc(radius)
    kernel = gm.laplacian_of_gaussian(sigma, dtype=torch.float64)
    noise = torch.randn(300, 32, 28, 28, dtype=torch.float64)
    quality = gm.lateral_quality(error_signals(support, strength, 32, noise), kernel)
    predicted, gain = calibration.predict_quality(kernel, support, strength, 32)
    assert gain == gm.theory.predict_gain(kernel, support, strength, 32).gain
    error = 4 * stats.sem(quality)
    assert quality.mean().item() == pytest.approx(predicted, rel=0.15, abs=error)


@pytest.mark.parametrize(
    ("channels", "strength", "sigma"), [(8, 3.0, 0.7), (16, 1.0, 1.0), (32, 0.5, 4.0)]
)
def test_the_contrast_of_an_object_is_predicted(channels, strength, sigma):
    support = disc(5)
    kernel = gm.laplacian_of_gaussian(sigma, dtype=torch.float64)
    noise = torch.randn(200, channels, 28, 28, dtype=torch.float64)
    energy = gm.functional.error_energy(
        error_signals(support, strength, channels, noise)
    )
    kept = gm.functional.lateral_mask(energy, kernel)
    measured = calibration.contrast(energy, kept).mean().item()
    predicted = calibration.predict_contrast(kernel, support, strength, channels)
    assert predicted == pytest.approx(measured, rel=0.07)


def test_positions_are_averaged_in_groups_of_equal_size():
    energy = torch.arange(1.0, 33)
    found = calibration.by_energy(energy, energy > 16, energy / 32, bins=2)
    assert found["kept"] == [0, 1]
    assert found["predicted"] == pytest.approx([8.5 / 32, 24.5 / 32])
    z = (8.5 - 16.5) / energy.std().item()
    assert found["energy"] == pytest.approx([z, -z])
