"""Shares of energy against loops."""

import pytest
import torch

from gradmask.lab.measures.energy import energy_share


def test_every_map_has_its_share_and_all_together_have_one():
    generator = torch.Generator().manual_seed(0)
    energy = torch.rand(3, 4, 5, generator=generator, dtype=torch.float64)
    on = torch.rand(3, 4, 5, generator=generator) < 0.4
    inside, whole = [0.0] * 3, [0.0] * 3
    for n in range(3):
        for y in range(4):
            for x in range(5):
                whole[n] += energy[n, y, x].item()
                inside[n] += energy[n, y, x].item() if on[n, y, x] else 0.0
    shares = [part / total for part, total in zip(inside, whole, strict=True)]
    assert energy_share(energy, on).tolist() == pytest.approx(shares)
    together = energy_share(energy, on, dim=None)
    assert together.item() == pytest.approx(sum(inside) / sum(whole))


def test_nothing_has_no_share():
    nothing = torch.zeros(2, 3, 3)
    assert energy_share(nothing, nothing == 0).isnan().all()
