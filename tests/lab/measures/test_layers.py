"""The premise and the gain of single layers, against slow rewrites in float64."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import gradmask as gm
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import random_part
from gradmask.lab.data.scenes import cluttered_scenes
from gradmask.lab.experiments.registry import experiment
from gradmask.lab.measures.layers.contrast import (
    contrast,
    energy_share,
    layer_signals,
    object_positions,
    premise_rows,
)
from gradmask.lab.measures.layers.gain import (
    Anatomy,
    Regions,
    estimate_gain,
    input_patches,
    mask_rates,
    moments,
    regional_gain,
    regions,
    sample_gradients,
)
from gradmask.lab.measures.layers.prediction import gain_rows
from gradmask.lab.networks.heads import HEADS, resnet_with_head, targets
from gradmask.lab.networks.inspection import batch_normalised_copy
from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.reports.gain import PREDICTORS

COUNT = 6


@pytest.fixture(scope="module")
def scenes():
    return cluttered_scenes(load_fashion_mnist().train, 2 * COUNT, seed=0)


@pytest.fixture(scope="module", params=["resnet", "cnn", "mobilenet"])
def network(request, scenes):
    return batch_normalised_copy(
        FAMILIES[request.param](seed=0), scenes.images
    ).double()


@pytest.fixture(scope="module")
def signals(network, scenes):
    return layer_signals(network, scenes.images.double(), scenes.labels)


def test_signals_are_those_of_every_convolution_and_of_each_sample_alone(
    network, scenes, signals
):
    convolutions = [n for n, m in network.named_modules() if isinstance(m, nn.Conv2d)]
    assert sorted(signals) == sorted(convolutions)
    one = slice(3, 4)
    alone = layer_signals(network, scenes.images[one].double(), scenes.labels[one])
    for name, layer in signals.items():
        torch.testing.assert_close(layer.delta[one], alone[name].delta)
        torch.testing.assert_close(layer.activation[one], alone[name].activation)


def test_patches_times_error_are_the_gradients_of_single_samples(
    network, scenes, signals
):
    grads = gm.per_sample_gradients(
        network, F.cross_entropy, scenes.images.double(), scenes.labels
    )
    for name, layer in signals.items():
        measured = sample_gradients(layer, input_patches(layer))
        torch.testing.assert_close(measured, grads[f"{name}.weight"].flatten(1))


def test_masked_moments_are_those_of_an_attached_mask(scenes):
    network = batch_normalised_copy(FAMILIES["resnet"](seed=0), scenes.images).double()
    images = scenes.images.double()
    signals = layer_signals(network, images, scenes.labels)
    inhibition = gm.GradientMask(
        0.12, 0.5, route="weights", energy="contribution", relative=True
    )
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.train()
    with inhibition.attach(network):
        grads = gm.per_sample_gradients(network, F.cross_entropy, images, scenes.labels)
    for name, layer in signals.items():
        mask = inhibition.mask(layer.delta, energy=layer.energy("contribution"))
        measured = sample_gradients(layer, input_patches(layer), mask)
        torch.testing.assert_close(measured, grads[f"{name}.weight"].flatten(1))


def test_energies_are_products_of_norms(signals):
    for layer in signals.values():
        if layer.conv.groups == 1:
            torch.testing.assert_close(
                layer.energy("contribution"), layer.energy("error") * layer.window()
            )
        norms = input_patches(layer).flatten(1, 2).square().sum(1).sqrt()
        torch.testing.assert_close(layer.window().flatten(1), norms)


def test_a_frozen_network_computes_what_it_does_in_training(scenes):
    model = FAMILIES["resnet"](seed=1)
    state = copy.deepcopy(model.state_dict())
    calm = batch_normalised_copy(model, scenes.images)
    with torch.no_grad():
        calm_output, busy_output = calm(scenes.images), model(scenes.images)
    # Running variances are unbiased, those of the batch are not.
    torch.testing.assert_close(calm_output, busy_output, rtol=0.02, atol=0.02)
    assert not calm.training
    assert model.training
    untouched = {k: v for k, v in state.items() if "running" not in k}
    for key, value in untouched.items():
        if "num_batches" not in key:
            assert torch.equal(model.state_dict()[key], value)


def test_positions_belong_to_the_object_from_half_cover_on():
    mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    mask[0, :4, :4] = True
    mask[0, 4, 4:8] = True  # a quarter of two by two, twice; half of nothing
    mask[0, 6:8, 0] = True  # half of one
    on = object_positions(mask, torch.Size([1, 5, 4, 4]))
    expected = torch.zeros(4, 4, dtype=torch.bool)
    expected[:2, :2] = True
    expected[2, 2:4] = True  # one row of two: half
    expected[3, 0] = True
    assert torch.equal(on[0, 0], expected)


def test_contrast_and_share_against_loops():
    generator = torch.Generator().manual_seed(0)
    energy = torch.rand(3, 1, 5, 5, generator=generator)
    on = torch.rand(3, 1, 5, 5, generator=generator) < 0.3
    inside, outside = [], []
    for e, o in zip(energy.flatten().tolist(), on.flatten().tolist(), strict=True):
        (inside if o else outside).append(e**2)
    assert contrast(energy, on) == pytest.approx(np.mean(inside) / np.mean(outside))
    assert energy_share(energy, on) == pytest.approx(
        sum(inside) / (sum(inside) + sum(outside))
    )
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


def test_the_oracle_is_predicted_exactly_from_its_own_scenes(scenes):
    model = FAMILIES["resnet"](seed=0)
    twice = scenes[torch.arange(COUNT).repeat(2)]
    for row in gain_rows(model, twice, COUNT, {"oracle": None}):
        assert (row["hit"], row["false alarm"]) == (1, 0)
        if row["gain"] > 0:
            assert row["regions"] == pytest.approx(row["gain"], rel=1e-3)


def test_random_scenes_are_whole_scenes_and_not_balanced():
    many = cluttered_scenes(load_fashion_mnist().train, 200, seed=0)
    some = random_part(many, 50, seed=1)
    assert sorted(many.labels[:50].bincount(minlength=10).tolist()) == [5] * 10
    assert sorted(some.labels.bincount(minlength=10).tolist()) != [5] * 10
    for i in range(50):
        (where,) = (many.images == some.images[i]).flatten(1).all(1).nonzero()
        assert many.labels[where] == some.labels[i]
        assert torch.equal(many.mask[where[0]], some.mask[i])


@pytest.mark.parametrize("head", HEADS)
def test_every_head_learns_what_it_is_asked_to(head, scenes):
    model = resnet_with_head(head, seed=0)
    asked = targets(head, scenes)
    images, labels = asked.images, asked.labels
    logits = model(images)
    assert logits.shape[2:] == labels.shape[1:]
    assert F.cross_entropy(logits, labels).isfinite()
    body = dict(FAMILIES["resnet"](seed=0).named_parameters())
    own = dict(model.named_parameters())
    for name in body.keys() & own.keys():
        if body[name].dim() == 4:
            assert torch.equal(body[name], own[name])
    rows = premise_rows(model, images, labels, scenes.mask)
    assert all(0 < row["share"] < 1 and row["contrast"] > 0 for row in rows)
    assert (rows[0]["depth"], rows[-1]["depth"]) == (0, 1)


def test_the_average_head_is_the_usual_network():
    usual = FAMILIES["resnet"](seed=3)
    again = resnet_with_head("average", seed=3)
    assert str(usual) == str(again)


def test_an_unknown_head_is_an_error():
    with pytest.raises(ValueError, match="there are average, flatten, max, dense"):
        resnet_with_head("hydra", seed=0)


@pytest.mark.parametrize("name", ["premise", "layer_gain"])
def test_the_experiments_give_tidy_rows(name):
    chosen = replace(experiment(name).smoke(), samples=4, scenes=64)
    if name == "premise":
        chosen = replace(chosen, heads=("average", "dense"))
    rows = chosen.run(0, torch.device("cpu"))
    assert len({tuple(row) for row in rows}) == 1
    assert {row["epoch"] for row in rows} == {0, 1}
    if name == "layer_gain":
        assert set(PREDICTORS) < set(rows[0])
        assert {row["select"] for row in rows} == {
            "lateral",
            "random",
            "top-k",
            "oracle",
        }
    else:
        # The dense head's own convolution predicts the mask, and is looked at, too.
        layers = {h: [r for r in rows if r["head"] == h] for h in chosen.heads}
        assert len(layers["dense"]) > len(layers["average"])
