"""QualityMonitor measures plain gradients, and nobody notices."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import gradmask as gm
from gradmask.quality import (
    QualityMonitor,
    gradient_quality,
    lateral_quality,
    per_sample_gradients,
)


def network():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Dropout2d(0.2),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(24, 3),
    )


def batch(size=8):
    return torch.randn(size, 1, 12, 12), torch.arange(size) % 3


def frozen(model):
    """A copy in evaluation mode, whose plain gradients the monitor should measure."""
    return copy.deepcopy(model).eval()


def same(a, b):
    return (
        a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-4)
    )


def test_rows_hold_both_criteria():
    model = network()
    model[3].p = 0
    x, y = batch()
    inhibition = gm.GradientMask(sigma=(0.6, 1.0), threshold=0.5)
    monitor = QualityMonitor(model, F.cross_entropy, inhibition=inhibition)
    total, first, second = monitor(x, y)
    assert [row["layer"] for row in monitor.rows] == ["(network)", "0", "4"]
    assert {(row["step"], row["samples"]) for row in monitor.rows} == {(0, 8)}

    still = frozen(model)
    grads = per_sample_gradients(still, F.cross_entropy, x, y)
    q = gradient_quality(grads)
    assert same(total["q"], q.value)
    assert same(total["q_stderr"], q.stderr)
    assert math.isnan(total["lgq"])
    q = gradient_quality({n: grads[n] for n in ("4.weight", "4.bias")})
    assert same(second["q"], q.value)

    z = still[:1](x).requires_grad_()
    delta = torch.autograd.grad(F.cross_entropy(still[1:](z.clone()), y), z)[0]
    lgq = lateral_quality(delta, inhibition.kernels(12, 12), 0.5)
    assert same(first["lgq"], lgq.mean().item())
    assert same(first["lgq_stderr"], lgq.std().item() / math.sqrt(8))


def test_an_activation_is_measured_at_its_input():
    model = network().eval()
    x, y = batch()
    monitor = QualityMonitor(model, F.cross_entropy, layers=nn.ReLU)
    _, first, _ = monitor.measure(x, y)
    z = model[:2](x).detach().requires_grad_()
    delta = torch.autograd.grad(F.cross_entropy(model[2:](z.clone()), y), z)[0]
    kernel = gm.laplacian_of_gaussian(1.0)
    assert same(first["lgq"], lateral_quality(delta, kernel).mean().item())
    assert math.isnan(first["q"])


class InPlace(nn.Module):
    """An activation that changes a tensor which is used again behind it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        h = self.conv(x)
        self.relu(h)
        return h.square().mean((2, 3))


def test_an_in_place_activation_is_measured_before_it_acts():
    model, (x, y) = InPlace(), batch()
    z = model.conv(x).detach().requires_grad_()
    loss = F.cross_entropy(z.relu().square().mean((2, 3)), y)
    delta = torch.autograd.grad(loss, z)[0]
    monitor = QualityMonitor(model, F.cross_entropy, layers="relu")
    expected = lateral_quality(delta, gm.laplacian_of_gaussian(1.0)).mean().item()
    assert same(monitor.measure(x, y)[1]["lgq"], expected)


def test_a_stage_and_the_whole_network_can_be_layers():
    model = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), nn.Flatten())
    monitor = QualityMonitor(model, F.cross_entropy, layers=["0", ""])
    x, y = batch()
    total, stage, root = monitor(x, y)
    assert total["q"] == stage["q"] == root["q"]
    assert math.isfinite(stage["lgq"])
    assert math.isnan(root["lgq"])


def test_a_module_that_runs_twice_counts_twice():
    relu = nn.ReLU()
    model = nn.Sequential(nn.Conv2d(1, 2, 3), relu, nn.Conv2d(2, 2, 3), relu)
    model.append(nn.Flatten())
    x, y = batch()
    once = [QualityMonitor(model, F.cross_entropy, layers=n) for n in ("0", "2")]
    values = [monitor.measure(x, y)[1]["lgq"] for monitor in once]
    both = QualityMonitor(model, F.cross_entropy, layers=nn.ReLU).measure(x, y)[1]
    assert same(both["lgq"], sum(values) / 2)


def test_it_measures_at_its_interval_only(monkeypatch):
    model = network()
    monitor = QualityMonitor(model, F.cross_entropy, every=3)
    x, y = batch()
    assert [bool(monitor(x, y)) for _ in range(7)] == [1, 0, 0, 1, 0, 0, 1]
    assert sorted({row["step"] for row in monitor.rows}) == [0, 3, 6]
    monkeypatch.setattr(model, "forward", None)
    assert monitor(x, y) == []
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def train(model, batches, monitor=None, handle=None):
    torch.manual_seed(3)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for x, y in batches:
        optimiser.zero_grad()
        F.cross_entropy(model(x), y).backward()
        if monitor:
            monitor(x, y)
        optimiser.step()
    return model.state_dict(), torch.rand(1)


@pytest.mark.parametrize("mask", [None, "lateral", "random"])
def test_training_is_bit_identical_with_and_without(mask):
    start, batches = network(), [batch() for _ in range(5)]
    results = []
    for every in (None, 2):
        model = copy.deepcopy(start)
        monitor = every and QualityMonitor(model, F.cross_entropy, every=every)
        if mask:
            gm.GradientMask(sigma=0.6, select=mask).attach(model)
        results.append(train(model, batches, monitor))
    (plain, drawn), (monitored, drawn_monitored) = results
    assert all(torch.equal(plain[name], monitored[name]) for name in plain)
    assert torch.equal(drawn, drawn_monitored)


@pytest.mark.parametrize("route", ["signal", "weights"])
def test_what_it_measures_is_not_masked(route):
    model = network()
    model[3].p = 0
    x, y = batch()
    monitor = QualityMonitor(model, F.cross_entropy)
    plain = monitor.measure(x, y)
    with gm.GradientMask(sigma=0.6, route=route).attach(model) as handle:
        masked = monitor.measure(x, y)
        assert handle.active
        with handle.paused():
            monitor.measure(x, y)
            assert not handle.active
    for a, b in zip(plain, masked, strict=True):
        assert all(a[key] == b[key] or same(a[key], b[key]) for key in a)


def test_modes_come_back_also_after_an_error():
    model = network()
    model[4].eval()
    modes = [m.training for m in model.modules()]
    handle = gm.GradientMask(sigma=0.6).attach(model)
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]

    def loss_fn(output, target):
        assert not model[1].training
        assert model[3].training
        raise KeyError

    with pytest.raises(KeyError):
        QualityMonitor(model, loss_fn).measure(*batch())
    with pytest.raises(ValueError, match="max_bytes"):
        QualityMonitor(model, F.cross_entropy, max_bytes=10).measure(*batch())
    assert [m.training for m in model.modules()] == modes
    assert handle.active
    assert hooks == [
        len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()
    ]


def test_maps_that_are_none_or_too_small_give_nan():
    model = network()
    monitor = QualityMonitor(
        model, F.cross_entropy, layers=["6", "8"], inhibition=gm.GradientMask(1.0)
    )
    _, pool, linear = monitor(*batch())
    assert math.isnan(pool["lgq"])
    assert math.isnan(linear["lgq"])
    assert math.isfinite(linear["q"])


def test_an_error_of_zero_gives_nan():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    monitor = QualityMonitor(model, lambda out, y: (0 * out).sum())
    assert all(math.isnan(row["lgq"]) for row in monitor(*batch()))
    assert all(math.isnan(row["q"]) for row in monitor.rows)


def test_a_batch_of_one_has_no_gradient_quality():
    total, first, _ = QualityMonitor(network(), F.cross_entropy)(*batch(1))
    assert math.isnan(total["q"])
    assert math.isfinite(first["lgq"])
    assert math.isnan(first["lgq_stderr"])


def test_it_can_do_without_vmap():
    model, (x, y) = network().eval(), batch()
    expected = QualityMonitor(model, F.cross_entropy).measure(x, y)
    ours = QualityMonitor(model, F.cross_entropy, chunk_size=1).measure(x, y)
    for a, b in zip(ours, expected, strict=True):
        assert all(a[key] == b[key] or same(a[key], b[key]) for key in a)


def test_large_batches_are_cut():
    model, (x, y) = network().eval(), batch(20)
    monitor = QualityMonitor(model, F.cross_entropy, samples=5)
    assert monitor.measure(x, y) == monitor.measure(x[:5], y[:5])
    assert monitor.measure(x, y)[0]["samples"] == 5


def test_frozen_parameters_and_missing_graphs():
    model = network()
    model[0].requires_grad_(False)
    model[1].requires_grad_(False)
    monitor = QualityMonitor(model, F.cross_entropy, layers=["0", "2", "4"])
    with torch.no_grad():
        _, first, relu, second = monitor(*batch())
    assert math.isnan(first["q"])
    assert math.isnan(first["lgq"])
    assert math.isnan(relu["lgq"])
    assert math.isfinite(second["q"])
    assert math.isfinite(second["lgq"])


def test_a_compiled_network_is_measured():
    model, (x, y) = network().eval(), batch()
    expected = QualityMonitor(model, F.cross_entropy).measure(x, y)
    compiled = torch.compile(model, backend="aot_eager")
    compiled(x).sum().backward()
    ours = QualityMonitor(compiled, F.cross_entropy).measure(x, y)
    for a, b in zip(ours, expected, strict=True):
        assert all(same(a[key], b[key]) for key in a if key != "layer")


def test_mixed_precision_and_devices(device):
    model = network().to(device)
    x, y = (t.to(device) for t in batch())
    with torch.autocast(device.type, dtype=torch.bfloat16):
        rows = QualityMonitor(model, F.cross_entropy)(x, y)
    assert all(math.isfinite(row["q"]) for row in rows)
    assert all(math.isfinite(row["lgq"]) for row in rows[1:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every must be at least 1"),
        ({"samples": 1}, "samples must be at least 2"),
        ({"layers": nn.GELU}, "nothing to follow.*BatchNorm2d, Conv2d"),
        ({"layers": "conv9"}, "no module named 'conv9'"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        QualityMonitor(network(), F.cross_entropy, **options)
