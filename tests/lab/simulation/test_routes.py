"""Two masks in a row, against counts by hand and the formula of joint rates."""

import pytest
import torch

from gradmask import laplacian_of_gaussian
from gradmask.functional import lateral_mask
from gradmask.lab.simulation.gradients import disc, simulate
from gradmask.lab.simulation.routes import joint_gain, pass_two_masks, pattern_mask
from gradmask.theory import snr_gain

SUPPORT, KERNEL = disc(3, 18), laplacian_of_gaussian(2.1)


def coins(*rates, count=4000):
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.rand(count, *SUPPORT.shape, generator=generator) < rate).float()
        for rate in rates
    ]


def test_the_rates_of_independent_masks_multiply():
    first, second = coins(0.9, 0.5)
    predicted = joint_gain(first, second, SUPPORT, 0.0)
    assert predicted == pytest.approx(snr_gain(0.45, 0.45, 0.1), rel=0.01)


def test_one_mask_twice_counts_pairs_of_neighbours():
    support = torch.zeros(5, 5, dtype=torch.bool)
    support[2, 2] = True
    mask = torch.zeros(2, 5, 5)
    mask[:, 2, 2:4] = 1
    # Of the nine paths from the middle two arrive where the mask keeps, always; of all
    # 169 paths on the map, the two kept positions have two each.
    assert joint_gain(mask, mask, support, 0.0) == pytest.approx(2 / 9 * 169 / 4)


def test_masks_that_keep_all_change_nothing():
    mask = torch.ones(3, *SUPPORT.shape)
    assert joint_gain(mask, mask, SUPPORT, 0.5) == pytest.approx(1)


def test_joint_rates_predict_the_gain_of_masks_that_do_not_look():
    blind = pass_two_masks(SUPPORT, 0.4, KERNEL, channels=16, count=1000, blind=True)
    predicted = joint_gain(blind.first, blind.second, SUPPORT, 0.4)
    low, high = blind.gain.low, blind.gain.high
    assert low - 0.05 < predicted < high + 0.05
    assert high - low < 0.3


def test_the_first_mask_gains_what_both_gain():
    def lateral(delta):
        energy = delta.norm(dim=1, keepdim=True)
        return lateral_mask(energy, KERNEL)

    both = pass_two_masks(SUPPORT, 0.4, KERNEL, channels=16, count=1000).gain
    rule = {"": lateral}
    first = simulate(SUPPORT, 0.4, rule, channels=16, count=1000)[""].gain
    assert both.mean == pytest.approx(first.mean, rel=0.1)


def test_with_many_channels_the_second_mask_follows_the_first():
    few, many = (
        pass_two_masks(SUPPORT, 0.1, KERNEL, channels=c, count=60) for c in (2, 128)
    )
    agree = [
        (pattern_mask(m.first, KERNEL) == m.second).float().mean() for m in (few, many)
    ]
    assert agree[0] < 0.96 < 0.98 < agree[1]


def test_the_pattern_needs_nothing_but_the_first_mask():
    first = coins(0.5, count=2)[0]
    spread = torch.nn.functional.conv2d(
        first[:, None], torch.full((1, 1, 3, 3), 1 / 9), padding=1
    )
    expected = lateral_mask(spread.sqrt(), KERNEL)[:, 0]
    assert torch.equal(pattern_mask(first, KERNEL) == 1, expected)
