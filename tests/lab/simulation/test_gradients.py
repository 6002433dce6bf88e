"""The simulation, against loops and exact values; the theory, against it."""

import math
from functools import partial

import pytest
import torch

from gradmask import gradient_mask, gradient_quality, laplacian_of_gaussian
from gradmask.lab.simulation.gradients import (
    disc,
    error_signals,
    gain_interval,
    simulate,
    smooth_noise,
)
from gradmask.theory import (
    correlated_rate,
    detectability_map,
    effective_channels,
    hit_rate,
    noise_threshold,
    predict_gain,
    snr_gain,
    varying_signal_gain,
)

SUPPORT, KERNEL = disc(4), laplacian_of_gaussian(2.8)


def lateral(delta, kernel=KERNEL, threshold=0.0):
    return gradient_mask(delta, kernel, threshold)


def borrowed(delta, threshold=0.0):
    return lateral(delta.roll(1, 0), threshold=threshold)


def coins(delta, p=0.5, q=0.5):
    rate = torch.where(SUPPORT, p, q)
    generator = torch.Generator().manual_seed(len(delta))
    return torch.rand(len(delta), 1, 28, 28, generator=generator) < rate


def agrees(measured, predicted, within=0.05):
    inside = measured.low <= predicted <= measured.high
    return inside or abs(measured.mean / predicted - 1) < within


# --- The simulation itself ------------------------------------------------------------


def test_a_disc_by_counting():
    expected = [
        [(x - 5) ** 2 + (y - 5) ** 2 <= 9 for x in range(11)] for y in range(11)
    ]
    assert disc(3, 11).tolist() == expected


def test_signals_have_their_strength_on_the_object_alone():
    quiet = torch.zeros(2, 16, 28, 28)
    delta = error_signals(SUPPORT, 0.3, 16, quiet)
    energy = delta.square().sum(1)
    assert energy[:, SUPPORT].allclose(torch.tensor(0.3 * 16))
    assert not energy[:, ~SUPPORT].any()


def test_every_number_against_a_loop():
    small, strength = disc(1, 9), 0.7
    kernel = laplacian_of_gaussian(0.8)
    loud = 1 + torch.arange(81.0).view(9, 9) / 81
    result = simulate(
        small,
        strength,
        {"": partial(lateral, kernel=kernel)},
        channels=3,
        count=40,
        seed=5,
        activation=loud,
    )[""]
    noise = torch.randn(40, 3, 9, 9, generator=torch.Generator().manual_seed(5))
    hits, false_alarms, plain, masked = [], [], [], []
    for sample in noise:
        delta = sample + math.sqrt(strength) * small
        mask = lateral(delta[None], kernel)[0, 0]
        g, kept = torch.zeros(3), torch.zeros(3)
        on, off, power = [], [], []
        for y in range(9):
            for x in range(9):
                g += delta[:, y, x] * loud[y, x]
                kept += delta[:, y, x] * loud[y, x] * mask[y, x]
                if small[y, x]:
                    on.append(float(mask[y, x]))
                else:
                    power.append(loud[y, x].item() ** 2)
                    off.append(power[-1] * float(mask[y, x]))
        hits.append(sum(on))
        false_alarms.append(sum(off) / sum(power))
        plain.append(g)
        masked.append(kept)
    n = small.sum().item()
    assert result.hit_rate.mean == pytest.approx(sum(hits) / 40 / n)
    assert result.false_alarm_rate.mean == pytest.approx(sum(false_alarms) / 40)
    variance = torch.tensor(hits).var().item()
    occupancy = (loud[small].square().sum() / loud.square().sum()).item()
    assert result.occupancy == pytest.approx(occupancy)
    assert result.fluctuation == pytest.approx(strength * occupancy * variance / n)
    assert result.kept[small].mean().item() == pytest.approx(result.hit_rate.mean)
    ratio = [gradient_quality(torch.stack(g)).snr for g in (masked, plain)]
    assert result.gain.mean == pytest.approx(ratio[0] / ratio[1], rel=1e-4)


def test_samples_do_not_depend_on_the_other_masks():
    alone = simulate(SUPPORT, 0.2, {"a": lateral}, count=60)["a"]
    beside = simulate(SUPPORT, 0.2, {"b": borrowed, "a": lateral}, count=60)["a"]
    assert alone.gain == beside.gain


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """A mask that halves every gradient's noise, known exactly: the gain is 4."""
    generator = torch.Generator().manual_seed(0)
    repeats, covered = 300, 0
    for _ in range(repeats):
        signal = torch.ones(8)
        one, two = torch.randn(2, 200, 8, generator=generator)
        interval = gain_interval(signal + one / 2, signal + two)
        covered += interval.low <= 4 <= interval.high
    assert 0.95 - 4 * math.sqrt(0.95 * 0.05 / repeats) < covered / repeats <= 1


def test_nothing_masked_gains_nothing():
    everything = simulate(SUPPORT, 0.2, {"": lambda d: d[:, :1] == d[:, :1]}, count=50)
    assert everything[""].gain == pytest.approx((1, 1, 1))
    assert everything[""].hit_rate.mean == everything[""].false_alarm_rate.mean == 1


@pytest.mark.parametrize("width", [0.5, 1.5])
def test_smooth_noise_has_its_correlation(width):
    white = torch.randn(300, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    noise, area = smooth_noise(white, width)
    assert noise.var().item() == pytest.approx(1, rel=0.05)
    total = noise.sum((2, 3)).square().mean().item() / 24**2
    assert total == pytest.approx(area, rel=4 * math.sqrt(2 / 300))
    if width > 1:  # finer bumps are not resolved by the grid
        assert area == pytest.approx(4 * math.pi * width**2, rel=0.01)
        neighbour = (noise * noise.roll(1, -1)).mean().item()
        assert neighbour == pytest.approx(math.exp(-1 / (4 * width**2)), abs=0.03)


# --- The propositions -----------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.2, 1.0])
def test_gain_of_masks_that_do_not_look(strength):
    rules = {
        "often": partial(coins, p=0.9, q=0.4),
        "random": coins,
        "borrowed": borrowed,
        "strict": partial(borrowed, threshold=1.0),
    }
    pi = SUPPORT.float().mean().item()
    for name, m in simulate(SUPPORT, strength, rules, count=1000).items():
        p, q = m.hit_rate.mean, m.false_alarm_rate.mean
        predicted = snr_gain(p, q, pi, fluctuation=m.fluctuation)
        assert agrees(m.gain, predicted), name
        assert (m.gain.high < 1) == (name == "random")


def test_a_perfect_mask_gains_one_over_the_share_of_noise():
    loud = 1 + 2 * disc(5).float()

    def perfect(delta):
        return disc(5).expand(len(delta), 1, -1, -1)

    for activation in (torch.ones(28, 28), loud):
        weight = activation.square()
        gain = simulate(disc(5), 0.2, {"": perfect}, count=1000, activation=activation)[
            ""
        ].gain
        assert agrees(gain, (weight.sum() / weight[disc(5)].sum()).item())


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_where_the_mask_keeps(threshold):
    rule = partial(lateral, threshold=threshold)
    kept = simulate(SUPPORT, 0.2, {"": rule}, count=2000)[""].kept
    d = detectability_map(KERNEL, SUPPORT, 0.2, 32)
    predicted = hit_rate(d, noise_threshold(threshold, KERNEL, SUPPORT, 0.2, 32))
    error = (predicted * (1 - predicted) / 2000).sqrt()
    assert ((kept - predicted).abs() < 4.5 * error + 0.03).all()


@pytest.mark.parametrize(
    "changed",
    [
        {"channels": 8},
        {"channels": 64},
        {"radius": 2},
        {"radius": 6},
        {"sigma": 1.0},
        {"sigma": 4.0},
        {"strength": 0.1},
        {"strength": 1.0},
        {"threshold": 0.5},
        {"threshold": 1.0},
    ],
    ids=lambda changed: " ".join(f"{k} {v}" for k, v in changed.items()),
)
def test_the_full_formula(changed):
    setting = {"radius": 4, "sigma": 2.8, "strength": 0.2, "channels": 32}
    setting |= {"threshold": 0.0} | changed
    support, kernel = disc(setting["radius"]), laplacian_of_gaussian(setting["sigma"])
    strength, channels = setting["strength"], setting["channels"]
    rule = partial(lateral, kernel=kernel, threshold=setting["threshold"])
    measured = simulate(support, strength, {"": rule}, channels=channels, seed=1)[""]
    predicted = predict_gain(kernel, support, strength, channels, setting["threshold"])
    assert agrees(measured.gain, predicted.gain)
    assert measured.gain.high - measured.gain.low < 0.25 * measured.gain.mean


# --- The attacks ----------------------------------------------------------------------


@pytest.mark.parametrize("width", [0.6, 1.6])
def test_coins_on_smooth_noise(width):
    def smooth(support, strength, channels, noise):
        return error_signals(support, strength, channels, smooth_noise(noise, width)[0])

    area = smooth_noise(torch.zeros(1, 1, 28, 28), width)[1]
    gain = simulate(SUPPORT, 0.2, {"": coins}, count=1000, sample=smooth)[""].gain
    assert agrees(gain, 0.25 / correlated_rate(0.5, area))
    assert not agrees(gain, 0.5)


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_a_signal_that_varies(share):
    alternating = 1 - 2 * (torch.arange(32) % 2).float()[:, None, None]
    generator = torch.Generator().manual_seed(0)

    def varying(support, strength, channels, noise):
        sign = torch.randint(0, 2, (len(noise), 1, 1, 1), generator=generator) * 2 - 1
        extra = math.sqrt(share * strength) * alternating * support
        return error_signals(support, strength, channels, noise) + sign * extra

    gain = simulate(SUPPORT, 0.2, {"": lateral}, count=1000, sample=varying)[""].gain
    total = predict_gain(KERNEL, SUPPORT, 0.2 * (1 + share), 32)
    beta = share * 0.2 * SUPPORT.sum().item() ** 2 / SUPPORT.numel()
    assert agrees(gain, varying_signal_gain(total.gain, total.hit_rate, beta))
    assert not agrees(gain, total.gain)


@pytest.mark.parametrize("strength", [0.2, 2.0])
def test_the_gain_with_activations_that_are_louder_on_the_object(strength):
    """The fluctuation takes the object's share of the noise, not of the area."""
    loud = torch.where(SUPPORT, 2.0, 0.7 + torch.arange(28) / 40)
    rule = {"": partial(borrowed, threshold=1.0)}
    m = simulate(SUPPORT, strength, rule, count=1500, activation=loud)[""]
    power = loud.square()
    assert m.occupancy == pytest.approx((power[SUPPORT].sum() / power.sum()).item())
    arguments = (m.hit_rate.mean, m.false_alarm_rate.mean, m.occupancy)
    assert agrees(m.gain, snr_gain(*arguments, fluctuation=m.fluctuation))


def test_activations_drawn_anew_for_every_sample():
    drawn = []

    def activation(size):
        drawn.append(torch.rand(size, 1, 28, 28) + SUPPORT)
        return drawn[-1]

    m = simulate(SUPPORT, 0.2, {"": lateral}, count=300, activation=activation)[""]
    power = torch.cat(drawn).square().mean((0, 1))
    assert m.occupancy == pytest.approx((power[SUPPORT].sum() / power.sum()).item())
    assert sum(map(len, drawn)) == 300


@pytest.mark.parametrize("alike", [False, True])
def test_the_gain_with_activations_that_vary_between_samples(alike):
    """Each on its own they change nothing; all alike they are a signal that varies."""
    generator = torch.Generator().manual_seed(3)
    side = 1 if alike else 28

    def activation(size):
        """Of mean one and of variance one."""
        drawn = torch.randn(size, 1, side, side, generator=generator)
        return (math.sqrt(math.log(2)) * drawn - math.log(2) / 2).exp()

    rule, expected = {"": lateral}, predict_gain(KERNEL, SUPPORT, 0.2, 32)
    gain = simulate(SUPPORT, 0.2, rule, count=2000, activation=activation)[""].gain
    beta = 0.2 * SUPPORT.sum().item() ** 2 / SUPPORT.numel() / 2
    varied = varying_signal_gain(expected.gain, expected.hit_rate, beta)
    assert agrees(gain, varied if alike else expected.gain)
    assert not agrees(gain, expected.gain if alike else varied)


@pytest.mark.parametrize(("name", "kurtosis"), [("laplace", 6.0), ("uniform", 1.8)])
def test_effective_channels_mend_noise_that_is_not_gaussian(name, kurtosis):
    def sample(support, strength, channels, noise):
        share = torch.special.ndtr(noise)
        noise = (2 * share - 1) * math.sqrt(3)
        if name == "laplace":
            tail = 2 * torch.minimum(share, 1 - share).clamp(min=1e-30)
            noise = noise.sign() * -tail.log() / math.sqrt(2)
        return error_signals(support, strength, channels, noise)

    setting = {"channels": 32, "count": 1000, "sample": sample}
    gain = simulate(SUPPORT, 0.2, {"": lateral}, **setting)[""].gain
    seen = effective_channels(torch.ones(32), kurtosis)
    mended, plain = (predict_gain(KERNEL, SUPPORT, 0.2, c).gain for c in (seen, 32))
    assert agrees(gain, mended)
    assert not agrees(gain, plain)
