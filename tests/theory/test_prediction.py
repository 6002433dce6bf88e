"""The predicted gain and what it rests on, against draws in plain torch."""

import math

import pytest
import torch
import torch.nn.functional as F

from gradmask import laplacian_of_gaussian
from gradmask.functional import difference_of_gaussians
from gradmask.theory import (
    GainPrediction,
    false_alarm_rate,
    noise_threshold,
    predict_gain,
    selected_false_alarm_rate,
    selected_hit_rate,
    snr_gain,
)

DOUBLE = {"dtype": torch.float64}


def disc(radius, side=28):
    axis = torch.arange(side) - side // 2
    return axis.square()[:, None] + axis.square() <= radius**2


def shape(name, height, width):
    on = torch.zeros(height, width, dtype=torch.bool)
    y, x = height // 2, width // 2
    if name == "corner":
        on[:6, :7] = True
    elif name == "square":
        on[y - 3 : y + 4, x - 3 : x + 4] = True
    elif name == "annulus":
        distance = (torch.arange(height) - y).square()[:, None]
        distance = distance + (torch.arange(width) - x).square()
        on = (distance > 9) & (distance <= 36)
    elif name == "two":
        on[y - 8 : y - 3, x - 9 : x - 4] = True
        on[y + 3 : y + 8, x + 4 : x + 9] = True
    else:
        on[y - 5 : y + 5, x - 4 : x] = True
        on[y + 2 : y + 5, x : x + 5] = True
    return on


def drawn(on, strength, channels, count, seed=0):
    """Error signals along the signal, and the squared rest, of shape (count, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    along = torch.randn(count, *on.shape, generator=generator)
    half = torch.full(along.shape, (channels - 1) / 2)
    across = 2 * torch._standard_gamma(half, generator=generator)
    return along + on * math.sqrt(strength * channels), across


def kept(energy, kernel, threshold):
    """What a lateral mask keeps, by Fourier transform of the reflected map."""
    reach, (height, width) = len(kernel) // 2, energy.shape[1:]
    padded = F.pad((energy - energy.mean())[:, None], (reach,) * 4, mode="reflect")
    size = height + 2 * reach, width + 2 * reach
    spectrum = torch.fft.rfft2(padded[:, 0]) * torch.fft.rfft2(kernel.float(), s=size)
    response = torch.fft.irfft2(spectrum, s=size)[:, 2 * reach :, 2 * reach :]
    return response > threshold * response.std((1, 2), correction=0, keepdim=True)


def drawn_gain(on, along, across, mask, strength):
    """Gain and its standard error, by jackknife over 20 parts."""
    signal = (mask * along * on).sum((1, 2)).double()
    noise = (mask * (across + along.square() * ~on)).sum((1, 2)).double()
    plain = on.sum().item() ** 2 * strength / on.numel()

    def of(signal, noise):
        return (signal.mean().square() / (signal.var() + noise.mean()) / plain).item()

    part = torch.arange(len(signal)) % 20
    without = [of(signal[part != i], noise[part != i]) for i in range(20)]
    error = torch.tensor(without, **DOUBLE).std() * 19 / math.sqrt(20)
    return of(signal, noise), error.item()


# --- Exact selection ------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "threshold"), [(1, 0.0), (2, 1.0), (3, 0.0)])
def test_what_a_mask_keeps_is_what_more_channels_would_have_it_keep(
    channels, threshold
):
    """Signal P_2, energy P_2 + lambda P_4, products of two positions P_22: exactly."""
    on, strength, count = torch.zeros(9, 9, dtype=torch.bool), 0.7, 20000
    on[3:6, 3:5] = True
    kernel = laplacian_of_gaussian(1.0)
    along, across = drawn(on, strength, channels, count)
    energy = (along.square() + across).sqrt()
    generator = torch.Generator().manual_seed(1)
    length = math.sqrt(strength * channels)

    def would_keep(**more):
        """Share of samples that keep all positions given, each of more channels."""
        louder = energy.clone()
        for place, extra in more.values():
            half = torch.full((count,), (channels + extra - 1) / 2)
            rest = 2 * torch._standard_gamma(half, generator=generator)
            front = torch.randn(count, generator=generator) + length * on[place]
            louder[:, place[0], place[1]] = (front.square() + rest).sqrt()
        mask = kept(louder, kernel, threshold)
        both = [mask[:, place[0], place[1]] for place, _ in more.values()]
        return torch.stack(both).all(0).float().mean().item()

    def assert_mean(values, expected, scale):
        error = values.std() / math.sqrt(count) + scale / (2 * math.sqrt(count))
        assert abs(values.mean() - expected) < 4 * error

    mask = kept(energy, kernel, threshold).float()
    x, y, beside = (4, 4), (4, 3), (1, 7)
    signal, square = mask * along, mask * (along.square() + across)
    two, four = would_keep(a=(x, 2)), would_keep(a=(x, 4))
    assert_mean(signal[:, 4, 4], length * two, length)
    own = channels * (two + strength * four)
    assert_mean(square[:, 4, 4], own, channels * (1 + strength))
    pair = would_keep(a=(x, 2), b=(y, 2))
    assert_mean(signal[:, 4, 4] * signal[:, 4, 3], length**2 * pair, length**2)
    assert_mean(square[:, 1, 7], channels * would_keep(a=(beside, 2)), channels)
    assert_mean(signal[:, 4, 4] * signal[:, 1, 7], 0.0, 0.0)
    assert would_keep(a=(x, 0)) < two < four  # selection is seen at all


# --- The gain -------------------------------------------------------------------------

HELD_OUT = [
    ("L", laplacian_of_gaussian(1.4), 0.5, 8, (25, 31)),
    ("annulus", laplacian_of_gaussian(3.0, size=25), 1.2, 32, (27, 27)),
    ("corner", laplacian_of_gaussian(1.4), 0.4, 50, (23, 29)),
    ("square", difference_of_gaussians(1.2, ratio=2.0), 0.5, 32, (27, 27)),
    ("two", laplacian_of_gaussian(3.0, size=25), 0.5, 8, (25, 31)),
]


@pytest.mark.parametrize(("name", "kernel", "strength", "channels", "size"), HELD_OUT)
def test_the_gain_holds_within_five_per_cent_where_no_chapter_looks(
    name, kernel, strength, channels, size
):
    on = shape(name, *size)
    along, across = drawn(on, strength, channels, count=2000)
    energy = (along.square() + across).sqrt()
    for threshold in (-0.5, 0.5, 1.0, 2.0):
        mask = kept(energy, kernel, threshold)
        measured, error = drawn_gain(on, along, across, mask, strength)
        predicted = predict_gain(kernel, on, strength, channels, threshold).gain
        assert error < 0.025 * measured
        assert abs(predicted / measured - 1) < 0.02 + 3 * error / measured


@pytest.mark.parametrize("threshold", [0.0, 2.0])
def test_rates_and_fluctuation_are_those_of_draws(threshold):
    support, kernel, strength, channels = disc(4), laplacian_of_gaussian(2.8), 0.1, 32
    along, across = drawn(support, strength, channels, count=5000)
    mask = kept((along.square() + across).sqrt(), kernel, threshold)
    predicted = predict_gain(kernel, support, strength, channels, threshold)
    length = math.sqrt(strength * channels)
    signal = (mask * along)[:, support].mean().item() / length
    assert predicted.hit_rate == pytest.approx(signal, rel=0.02)
    noise = (mask * (along.square() + across))[:, ~support].mean().item() / channels
    assert predicted.false_alarm_rate == pytest.approx(noise, rel=0.03)
    p, _, omega, fluctuation = predicted
    varies = (mask * along * support).sum((1, 2)).var().item()
    rest = (mask * across * support).sum((1, 2)).mean().item()
    varies = (varies + rest) / (channels * support.numel()) - omega * signal
    assert fluctuation == pytest.approx(varies, rel=0.12)
    if not threshold:
        assert fluctuation > 3 * omega * strength * p * (1 - p)


def test_one_channel_keeps_no_more_than_there_is():
    kernel = laplacian_of_gaussian(1.0)
    for strength, threshold in ((1e-6, -2.0), (5.0, -2.0), (5.0, 0.0)):
        p, q, *_ = predict_gain(kernel, disc(8, 20), strength, 1, threshold)
        assert 0 < q <= 1
        assert 0 < p <= 1


def test_selection_may_outweigh_the_fluctuation():
    kernel, support = laplacian_of_gaussian(1.0), disc(6, 20)
    prediction = predict_gain(kernel, support, 0.5, 1)
    along, across = drawn(support, 0.5, 1, count=8000)
    mask = kept((along.square() + 0 * across).sqrt(), kernel, 0.0)
    measured, error = drawn_gain(support, along, 0 * across, mask, 0.5)
    assert prediction.fluctuation < 0
    assert abs(prediction.gain - measured) < 0.02 + 3 * error


def test_channels_need_not_be_whole():
    kernel, support = laplacian_of_gaussian(1.4), disc(3, 15)
    gains = [predict_gain(kernel, support, 0.3, c).gain for c in (8, 8.5, 9)]
    assert gains == sorted(gains)


def test_prediction_is_what_the_gain_takes():
    prediction = predict_gain(laplacian_of_gaussian(2.8), disc(4).numpy(), 0.2, 32)
    assert isinstance(prediction, GainPrediction)
    assert prediction.occupancy == disc(4).double().mean().item()
    p, q, omega, noise = prediction
    assert prediction.gain == pytest.approx(snr_gain(p, q, omega, fluctuation=noise))


def test_prediction_far_from_the_object_and_inside_it():
    """Where the closed forms of a uniform map hold, they are what is averaged."""
    kernel, channels = laplacian_of_gaussian(1.0, size=5), 4096
    corner = torch.zeros(28, 28)
    corner[:2, :2] = 1
    for threshold in (0.0, 1.0):
        outside = predict_gain(kernel, corner, 1e-6, channels, threshold)
        centre = kernel.max().item()
        expected = selected_false_alarm_rate(threshold, centre, channels)
        assert outside.false_alarm_rate == pytest.approx(expected, rel=0.01)
        assert outside.false_alarm_rate > false_alarm_rate(threshold) * 1.005
        inside = predict_gain(kernel, corner == 0, 2.0, 16, threshold)
        t = noise_threshold(threshold, kernel, corner == 0, 2.0, 16)[16, 16].item()
        expected = selected_hit_rate(0.0, t, centre, 16, 2.0)
        assert inside.hit_rate == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("threshold", "strong"), [(0.0, 2.3), (1.0, 1.0)])
def test_the_scale_of_greatest_gain(threshold, strong):
    """A strong signal wants a wide surround without a threshold, a narrow centre with.

    In radii of the disc.
    """
    support = disc(2, 30)

    def best(strength):
        def gain(scale):
            kernel = laplacian_of_gaussian(2 * scale, size=29)
            return predict_gain(kernel, support, strength, 32, threshold).gain

        return max((0.6, 1.0, 1.4, 2.3), key=gain)

    assert best(0.1) == 1.4
    assert best(5.0) == strong
