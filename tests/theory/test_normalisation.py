"""The gain in front of a batch normalisation, against backward passes through one."""

import math

import pytest
import torch

from gradmask.functional import project_out
from gradmask.theory import normalised_gain, snr_gain

DOUBLE = {"dtype": torch.float64}
POWER = 0.02  # so weak a signal that the fluctuation of coins does not count


def layer(seed, samples=12, read=5, channels=3, side=10):
    """Object, activations and feature map of a 1x1 convolution; z of variance one."""
    generator = torch.Generator().manual_seed(seed)
    on = torch.zeros(side, side, dtype=torch.bool)
    on[2:6, 3:8] = True
    a = torch.randn(samples, read, side, side, generator=generator, **DOUBLE)
    a += 2 * torch.rand(read, 1, 1, generator=generator, **DOUBLE) * on
    weight = torch.randn(channels, read, generator=generator, **DOUBLE)
    z = torch.einsum("ck,bkhw->bchw", weight, a)
    return on, a, z / z.std((0, 2, 3), correction=0, keepdim=True)


def snr(gradients):
    variance = gradients.var(0).sum()
    mean = gradients.mean(0).square().sum() - variance / len(gradients)
    return (mean / variance).item()


def drawn_gain(seed, p, q, project=True, count=900):
    """Gain and its standard error, by jackknife over 20 parts."""
    on, a, z = layer(seed)
    generator = torch.Generator().manual_seed(seed + 100)
    normalise = torch.nn.BatchNorm2d(z.shape[1], eps=1e-12, affine=False).double()
    plain, masked = [], []
    for _ in range(count):
        leaf = z.clone().requires_grad_()
        above = torch.randn(z.shape, generator=generator, **DOUBLE)
        above += math.sqrt(POWER) * on
        (delta,) = torch.autograd.grad(normalise(leaf), leaf, above)
        coin = torch.rand(len(z), 1, *on.shape, generator=generator)
        kept = (coin < torch.where(on, p, q)) * delta
        if project:
            kept = project_out(kept, z)
        for gradients, error in ((plain, delta), (masked, kept)):
            gradients.append(torch.einsum("bchw,bkhw->ck", error, a).flatten())
    plain, masked = torch.stack(plain), torch.stack(masked)
    part = torch.arange(count) % 20
    without = [snr(masked[part != i]) / snr(plain[part != i]) for i in range(20)]
    error = torch.tensor(without).std().item() * 19 / math.sqrt(20)
    return snr(masked) / snr(plain), error


@pytest.mark.parametrize(("p", "q"), [(1.0, 0.0), (0.9, 0.3), (0.3, 0.8)])
def test_a_projected_mask_gains_what_is_predicted(p, q):
    on, a, z = layer(0)
    predicted = normalised_gain(p, q, on, a, z)
    measured, error = drawn_gain(0, p, q)
    assert error < 0.05 * measured
    assert abs(predicted - measured) < 4 * error + 0.01
    assert abs(snr_gain(p, q, on.double().mean().item()) - measured) > 5 * error


def test_without_projection_a_perfect_mask_seems_to_gain_more():
    on, a, z = layer(0)
    measured, error = drawn_gain(0, 1.0, 0.0, project=False, count=600)
    assert measured - 3 * error > normalised_gain(1.0, 0.0, on, a, z)


def projected(a, z):
    z = (z - z.mean()) / z.std(correction=0)
    a = a - a.mean((0, 2, 3), keepdim=True)
    return a - z * (a * z).mean((0, 2, 3), keepdim=True), z


@pytest.mark.parametrize("each", [False, True])
def test_the_formula_written_out(each):
    on, a, z = layer(3, channels=1)
    on = on.expand(len(z), -1, -1) if each else on
    if each:
        on = torch.stack([image.roll(i, 1) for i, image in enumerate(on)])
    p, q = 0.8, 0.3
    left, hat = projected(a, z)
    mask = on.expand(len(z), 10, 10)[:, None]
    count = mask.numel()
    share, zeta = mask.double().mean(), (hat * mask).mean()
    first, second = (left * mask).sum((0, 2, 3)), (left * hat * mask).sum((0, 2, 3))
    energy = left.square().sum(1, keepdim=True)
    occupancy = (energy * mask).sum() / energy.sum()
    signal = (p * (1 - share) + q * share) * first - (p - q) * zeta * second
    lost = first.square().sum() + second.square().sum()
    noise = occupancy * p + (1 - occupancy) * q + 0.01
    noise -= (p - q) ** 2 * lost / (count * energy.sum())
    expected = signal.square().sum() / first.square().sum() / noise
    found = normalised_gain(p, q, on, a, z, fluctuation=0.01)
    assert found == pytest.approx(expected.item())


def test_a_coin_gains_its_rate_and_shift_and_scale_do_not_matter():
    on, a, z = layer(1)
    assert normalised_gain(0.4, 0.4, on, a, z) == pytest.approx(0.4)
    expected = normalised_gain(0.9, 0.2, on, a, z)
    assert normalised_gain(0.9, 0.2, on, a + 3, 5 * z - 1) == pytest.approx(expected)


def test_what_cannot_be_gained_is_an_error():
    on, a, z = layer(0)
    levels = (1 + 2.0 * on).expand(12, 1, 10, 10)
    with pytest.raises(ValueError, match="plain gradient is zero"):
        normalised_gain(1, 0, on, levels, -3 * levels)
    with pytest.raises(ValueError, match="rates"):
        normalised_gain(0.5, -0.1, on, a, z)
    with pytest.raises(ValueError, match="support"):
        normalised_gain(0.5, 0.1, on[:5], a, z)
    with pytest.raises(ValueError, match="shapes"):
        normalised_gain(0.5, 0.1, on, a, z[:3])
