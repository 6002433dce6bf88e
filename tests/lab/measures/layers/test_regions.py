"""The gain of independent bits, against simulation and proposition 1."""

import numpy as np
import pytest

import gradmask as gm
from gradmask.lab.measures.layers.gradients import (
    input_patches,
    moments,
    sample_gradients,
)
from gradmask.lab.measures.layers.regions import (
    Anatomy,
    Regions,
    regional_gain,
    regions,
)
from gradmask.lab.measures.layers.signals import object_positions


def simulated(p, q, seed, trials=200_000):
    """Signal on both regions, noise correlated over each, bits independent of it."""
    rng = np.random.default_rng(seed)
    on = np.arange(10) < 4
    mean = np.where(on, 0.3, 0.1)
    common = rng.standard_normal((trials, 1))
    own = rng.standard_normal((trials, 10))
    contributions = mean + own + 0.5 * common
    bits = rng.random((trials, 10)) < np.where(on, p, q)
    return on, contributions, bits


@pytest.mark.parametrize(("p", "q"), [(0.8, 0.3), (0.4, 0.6), (1.0, 0.0)])
def test_the_regional_gain_is_that_of_independent_bits(p, q):
    on, contributions, bits = simulated(p, q, seed=0)

    def both(part):
        g = (contributions * part).sum(1)
        return g.mean() ** 2, g.var()

    parts = [both(part) for part in (np.ones(10), on, ~on)]
    signal, noise = (Regions(*values) for values in zip(*parts, strict=True))
    # The bits multiply a position's whole contribution, its mean included.
    power = np.square(contributions).mean(0)
    energy = Regions(power.sum(), power[on].sum(), power[~on].sum())
    predicted = regional_gain(p, q, Anatomy(signal, noise, energy))
    kept, whole = both(bits), both(np.ones(10))
    measured = (kept[0] / kept[1]) / (whole[0] / whole[1])
    # Both SNRs come from 200,000 draws of SNR of about one: 1 % is five deviations.
    assert predicted == pytest.approx(measured, rel=0.01)


def test_with_all_signal_on_the_object_it_is_proposition_one():
    signal = Regions(1.0, 1.0, 0.0)
    independent = Regions(10.0, 2.0, 8.0)
    predicted = regional_gain(0.8, 0.3, Anatomy(signal, independent, independent))
    assert predicted == pytest.approx(gm.theory.snr_gain(0.8, 0.3, 0.2))


def test_the_anatomy_adds_up(signals, scenes):
    _name, layer = next(iter(signals.items()))
    on = object_positions(scenes.mask, layer.delta.shape)
    signal, noise, energy = regions(layer, input_patches(layer), on)
    patches = input_patches(layer)
    plain = moments(sample_gradients(layer, patches))
    assert signal.kept(1, 1) == pytest.approx(plain.signal().item())
    assert noise.kept(1, 1) == pytest.approx(plain.noise().item())
    assert energy.on + energy.beside == pytest.approx(energy.whole)
    masked = moments(sample_gradients(layer, patches, 0.7 * on + 0.2 * ~on))
    assert signal.kept(0.7, 0.2) == pytest.approx(masked.signal().item())
