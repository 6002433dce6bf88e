"""A control that smooths without inhibiting: the same weights in another order."""

import numpy as np
import torch

from gradmask import SoftMask
from gradmask.lab.experiments.experiment import described
from gradmask.lab.training.smoothed import SmoothedOrder


def test_the_weights_are_the_soft_masks_in_the_order_of_the_smoothed_energy():
    delta = torch.randn(6, 16, 16, 16, dtype=torch.float64)
    delta[:, :, 6:8, 6:8] *= 3
    soft, smoothed = SoftMask(1.0, size=5), SmoothedOrder(1.0, size=5)
    expected, found = soft.mask(delta)[:, 0], smoothed.mask(delta)[:, 0]
    assert (expected > 1.5).any()
    assert torch.equal(found.flatten(1).sort()[0], expected.flatten(1).sort()[0])

    profile = np.exp(-(np.arange(-2, 3) ** 2) / 2)
    kernel = np.outer(profile, profile) / profile.sum() ** 2
    for weights, energy in zip(found, delta.square().sum(1).sqrt(), strict=True):
        padded = np.pad(energy.numpy(), 2, mode="reflect")
        smooth = [
            (kernel * padded[y : y + 5, x : x + 5]).sum() for y, x in np.ndindex(16, 16)
        ]
        in_order = weights.flatten().numpy()[np.argsort(smooth)]
        assert (np.diff(in_order) >= 0).all()


def test_maps_below_the_kernel_have_no_weights():
    assert SmoothedOrder(1.0, size=5).mask(torch.randn(2, 3, 4, 4)) is None


def test_the_control_of_the_soft_mask_from_theory_is_sized_to_the_map():
    assert SmoothedOrder.from_theory().relative
    assert SmoothedOrder.from_theory().mask(torch.randn(2, 3, 12, 12)) is not None


def test_a_record_tells_it_from_the_soft_mask():
    masks = SmoothedOrder.from_theory(), SoftMask.from_theory()
    assert [described(mask)["kind"] for mask in masks] == [
        "soft, in smoothed order",
        "soft",
    ]
