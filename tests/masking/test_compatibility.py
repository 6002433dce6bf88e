"""Wherever PyTorch works: mixed precision, memory formats, checkpoints, torch.func."""

import pytest
import torch
from support.networks import (
    ResidualNet,
    bare_net,
    batch,
    close,
    gradients,
    identical,
    loss,
    plain_net,
)
from support.ties import agree
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.utils.checkpoint import checkpoint

import gradmask as gm
from gradmask.masking.site import Switch

ROUTES = [
    gm.GradientMask(1.0),
    gm.GradientMask(1.0, route="weights"),
    gm.GradientMask(1.0, route="weights", energy="contribution"),
]
routes = pytest.mark.parametrize("inhibition", ROUTES, ids=["signal", "weights", "sum"])


@pytest.mark.parametrize(
    "inhibition",
    [
        *ROUTES,
        gm.GradientMask((0.5, 1.0), threshold=0.3),
        gm.GradientMask.from_theory(),
    ],
    ids=["signal", "weights", "sum", "scales", "theory"],
)
def test_every_device_agrees_with_the_cpu(inhibition, device):
    # Apple's devices know no doubles, in which no decision hangs on rounding.
    dtype = torch.float32 if device.type == "mps" else torch.float64
    rtol = 1e-2 if device.type == "mps" else 1e-9
    model, x = plain_net(dtype=dtype), batch(dtype=dtype)
    plain = gradients(model, x)
    with inhibition.attach(model):
        expected = gradients(model, x)
    assert not close(expected, plain)
    model, x = model.to(device), x.to(device)
    with inhibition.attach(model):
        measured = [g.cpu() for g in gradients(model, x)]
    assert close(measured, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("size", [5, 31])
def test_masks_agree_on_every_device(size, device):
    delta = torch.randn(4, 3, 32, 40)
    kernel = gm.laplacian_of_gaussian(size / 6.5, size)
    mask = gm.gradient_mask(delta.to(device), kernel.to(device)).cpu()
    # TF32 and other orders of summation decide a few close calls otherwise.
    assert (mask != gm.gradient_mask(delta, kernel)).double().mean() < 0.01


@routes
def test_the_random_control_runs_on_every_device(inhibition, device):
    model, x = plain_net(dtype=torch.float32).to(device), batch(dtype=torch.float32)
    random = gm.GradientMask(1.0, route=inhibition.route, select="random")
    measured = []
    for _ in range(2):
        with random.attach(model):
            measured.append(gradients(model, x.to(device)))
    assert close(*measured)


@routes
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("inside", [False, True])
def test_autocast(inhibition, dtype, inside, device):
    """Also when the backward pass runs inside of the autocast block."""
    model = plain_net(inplace=True, dtype=torch.float32).to(device)
    x = batch(dtype=torch.float32).to(device)
    seen = []

    def run():
        model.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype):
            output = model(x)
            if inside:
                loss(output).backward()
        if not inside:
            loss(output).backward()
        return output, [p.grad for p in model.parameters()]

    plain_output, plain = run()
    with inhibition.attach(model):
        masked = Switch.masked

        def spy(self, delta, energy=None):
            result = masked(self, delta, energy)
            seen.append((delta, energy, result.clone()))
            return result

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Switch, "masked", spy)
            output, measured = run()
    assert output.equal(plain_output)
    assert len(seen) == 2
    for delta, energy, result in seen:
        assert delta.dtype == result.dtype
        competing = gm.functional.error_energy(delta) if energy is None else energy
        assert competing.dtype == torch.float32
        mask = inhibition.mask(delta, energy=energy)
        assert result.equal(delta * mask)
        assert agree(mask, delta, [gm.laplacian_of_gaussian(1.0)], energy=energy)
    assert all(g.dtype == torch.float32 for g in measured)
    assert not close(measured, plain)


@routes
def test_contribution_energy_is_exact_under_autocast(inhibition):
    delta, a = torch.randn(2, 4, 9, 9), torch.randn(2, 3, 9, 9)
    exact = gm.functional.contribution_energy(delta, a, (3, 3), padding=(1, 1))
    with torch.autocast("cpu", torch.bfloat16):
        measured = gm.functional.contribution_energy(delta, a, (3, 3), padding=(1, 1))
        assert measured.equal(exact)
        assert inhibition.mask(delta).equal(inhibition.mask(delta.clone()))
    assert measured.equal(exact)


@routes
@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_a_grad_scaler_sees_what_is_not_finite(inhibition, bad, device):
    if device.type == "mps":
        pytest.skip("GradScaler knows no MPS device")
    model = bare_net(dtype=torch.float32).to(device)
    x = batch(dtype=torch.float32).to(device)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler(device.type, init_scale=2.0**10)
    before = [p.detach().clone() for p in model.parameters()]
    with inhibition.attach(model):
        output = model(x)
        (scaler.scale(loss(output)) + bad * output[0, 0]).backward()
        scaler.step(optimiser)
        scaler.update()
        assert identical(before, list(model.parameters()))
        assert scaler.get_scale() == 2.0**9
        model.zero_grad()
        scaler.scale(loss(model(x))).backward()
        scaler.step(optimiser)
    assert not identical(before, list(model.parameters()))


@routes
def test_loss_scaling_changes_nothing(inhibition):
    model, x = bare_net(dtype=torch.float32), batch(dtype=torch.float32)
    with inhibition.attach(model):
        expected = gradients(model, x)
        model.zero_grad()
        (loss(model(x)) * 2.0**16).backward()
    assert identical([p.grad / 2.0**16 for p in model.parameters()], expected)


@routes
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_networks_in_half_precision(inhibition, dtype):
    model, x = plain_net(dtype=dtype), batch(dtype=dtype)
    plain = gradients(model, x)
    with inhibition.attach(model):
        masked = gradients(model, x)
    assert all(g.dtype == dtype and g.isfinite().all() for g in masked)
    assert not close(plain, masked)


@routes
def test_channels_last(inhibition):
    model, x = plain_net(inplace=True), batch()
    with inhibition.attach(model):
        expected = gradients(model, x)
    model = model.to(memory_format=torch.channels_last)
    x = x.to(memory_format=torch.channels_last)
    formats = []

    def look(delta):
        formats.append(delta.is_contiguous(memory_format=torch.channels_last))

    def watch(module, args):
        args[0].register_hook(look)

    with inhibition.attach(model):
        for module in (model[1], model[4]):
            module.register_forward_pre_hook(watch)
        output = model[:6](x)
        assert output.is_contiguous(memory_format=torch.channels_last)
        assert close(gradients(model, x), expected)
    assert formats == [True, True]


@routes
def test_gradients_accumulate(inhibition):
    model, one, two = bare_net(), batch()[:2], batch()[2:]
    with inhibition.attach(model):
        expected = [
            a + b
            for a, b in zip(gradients(model, one), gradients(model, two), strict=True)
        ]
        model.zero_grad()
        loss(model(one)).backward()
        loss(model(two)).backward()
        accumulated = [p.grad for p in model.parameters()]
        assert close(accumulated, expected)
        whole = gradients(model, torch.cat([one, two]))
    assert close(whole, expected)


@routes
@pytest.mark.parametrize("use_reentrant", [False, True])
@pytest.mark.parametrize("make", [plain_net, lambda: plain_net(inplace=True)])
def test_checkpointing(inhibition, use_reentrant, make):
    model, x = make(), batch()
    with inhibition.attach(model):
        expected = gradients(model, x)

        def call(x):
            h = model[:3](x)
            h = checkpoint(model[3:6], h, use_reentrant=use_reentrant)
            return model[6:](h)

        assert close(gradients(model, x, call), expected)


NETS = {
    "bare": bare_net,
    "inplace": lambda: bare_net(inplace=True),
    "instance": lambda: plain_net(nn.InstanceNorm2d),
    "group": lambda: plain_net(lambda c: nn.GroupNorm(2, c), inplace=True),
    "residual": lambda: ResidualNet().double(),
}


@routes
@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
def test_torch_func(inhibition, make):
    """grad, vmap of grad, and grad of vmap, against a loop over samples."""
    model, x = make(), batch()
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def total(parameters, x):
        return loss(functional_call(model, parameters, (x,)))

    def one(parameters, sample):
        return total(parameters, sample[None])

    def every(parameters):
        return vmap(one, (None, 0))(parameters, x).sum()

    with inhibition.attach(model):
        samples = [gradients(model, x[b : b + 1]) for b in range(len(x))]
        stacked = [torch.stack(g) for g in zip(*samples, strict=True)]
        summed = [g.sum(0) for g in stacked]
        plainly = grad(total)(parameters, x)
        assert close(list(plainly.values()), summed)
        per_sample = vmap(grad(one), (None, 0))(parameters, x)
        assert close(list(per_sample.values()), stacked)
        assert close(list(grad(every)(parameters).values()), summed)
    assert not close(list(grad(total)(parameters, x).values()), summed)


class Reused(nn.Module):
    """An in-place ReLU, and the rectified tensor by its old name."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(2, 4, 3)
        self.relu = nn.ReLU(True)

    def forward(self, x):
        h = self.conv(x)
        self.relu(h)
        return h.sin()


@routes
def test_inplace_relu_under_vmap(inhibition):
    model, x = Reused().double(), batch()
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def one(parameters, sample):
        return loss(functional_call(model, parameters, (sample[None],)))

    with inhibition.attach(model):
        expected = gradients(model, x)
        per_sample = vmap(grad(one), (None, 0))(parameters, x)
    assert close([g.sum(0) for g in per_sample.values()], expected)


@routes
def test_the_true_input_gradient_by_torch_func_while_paused(inhibition):
    model, x = bare_net(), batch()
    true = grad(lambda x: loss(model(x)))(x)
    with inhibition.attach(model) as handle:
        with handle.paused():
            assert grad(lambda x: loss(model(x)))(x).equal(true)
        if inhibition.route == "weights":
            assert close([grad(lambda x: loss(model(x)))(x)], [true], rtol=1e-12)
