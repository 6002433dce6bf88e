"""Discs of light, and the kernels that answer to them."""

import numpy as np
import pytest

import gradmask as gm
from gradmask.lab.simulation import discs


def test_the_matched_difference_of_gaussians_changes_sign_with_the_laplacian():
    sigma = discs.centre_of_difference(8.0)
    profile = gm.functional.difference_of_gaussians(sigma, size=61)[30, 30:]
    crossing = int((profile < 0).nonzero()[0])
    assert crossing == pytest.approx(np.sqrt(2) * 8.0, abs=1)


def test_a_disc_has_its_radius():
    area = discs.bright_disc(6, 41).sum().item()
    assert area == pytest.approx(np.pi * 36, rel=0.05)


def test_a_unit_norm_kernel_answers_most_where_sigma_is_the_radius():
    curve = discs.over_scale([4])[4]
    best = curve["scale"][curve["unit"].argmax()]
    assert best == pytest.approx(1, abs=0.1)
    normalised = curve["scale"][curve["normalised"].argmax()]
    assert normalised == pytest.approx(1 / np.sqrt(2), abs=0.1)
    assert curve["normalised"].max() == 1
