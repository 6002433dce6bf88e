"""The gain of a mask at one layer, against slow rewrites in float64."""

import math

import numpy as np
import pytest
import torch

import gradmask as gm
from gradmask.lab.measures.layers.gain import estimate_gain, mask_rates


def test_the_gain_is_that_of_gradient_quality_and_its_error_a_jackknife():
    generator = torch.Generator().manual_seed(1)
    plain = torch.randn(12, 7, generator=generator, dtype=torch.float64) + 0.8
    masked = plain * (torch.rand(7, generator=generator) < 0.6)

    def log_gain(keep):
        a, b = (gm.gradient_quality(g[keep]).snr for g in (masked, plain))
        return math.log(a / b)

    everyone = list(range(12))
    estimate = estimate_gain(plain, masked)
    logs = [log_gain([i for i in everyone if i != out]) for out in everyone]
    assert math.log(estimate.gain) == pytest.approx(log_gain(everyone))
    assert estimate.gain == pytest.approx(estimate.signal / estimate.noise)
    assert estimate.log_stderr == pytest.approx(math.sqrt(11) * np.std(logs))
    pairs = [(i, j) for i in everyone for j in everyone if i != j]
    both = np.mean([(plain[i] @ masked[j]).item() for i, j in pairs])
    own = np.mean([(plain[i] @ plain[j]).item() for i, j in pairs])
    assert estimate.along == pytest.approx(both / own)


def test_a_gain_without_signal_is_nan():
    opposite = torch.tensor([[1.0], [-1.0]])
    assert math.isnan(estimate_gain(opposite, opposite).gain)


def test_rates_are_shares_of_positions_and_of_energy():
    generator = torch.Generator().manual_seed(0)
    energy = torch.rand(3, 1, 5, 5, generator=generator)
    on = torch.rand(3, 1, 5, 5, generator=generator) < 0.3
    kept = torch.rand(3, 1, 5, 5, generator=generator) < 0.5
    rates = mask_rates(kept, on, energy)
    triples = list(
        zip(*(t.flatten().tolist() for t in (energy, on, kept)), strict=True)
    )
    for where, share, by_energy in (
        (True, rates.hit, rates.hit_energy),
        (False, rates.false_alarm, rates.false_alarm_energy),
    ):
        here = [(e, k) for e, o, k in triples if o == where]
        assert share == pytest.approx(np.mean([k for _, k in here]))
        total = sum(e * e for e, _ in here)
        assert by_energy == pytest.approx(sum(e * e for e, k in here if k) / total)
