"""Masks on a CUDA device: kernels, precisions, compilers, captured graphs."""

import copy

import pytest
import torch
from support import byhand
from support.networks import ResidualNet, batch, close, gradients, loss, plain_net
from support.ties import agree
from torch import nn

import gradmask as gm
from gradmask import fused
from gradmask.masking import ACTIVATIONS
from gradmask.masking.site import Switch

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

CUDA = torch.device("cuda")
SIGNAL = gm.GradientMask(1.0, size=5)
WEIGHTS = gm.GradientMask(1.0, size=5, route="weights")
THEORY = gm.GradientMask.from_theory()
ALL = pytest.mark.parametrize("inhibition", [SIGNAL, WEIGHTS, THEORY], ids=repr)


@pytest.fixture(autouse=True)
def _exact(monkeypatch):
    """Convolve in float32, lest rounding tip a decision; know of nothing compiled."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.compiler.reset()


def residual():
    return ResidualNet().double()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("make", [plain_net, residual], ids=["plain", "residual"])
@pytest.mark.parametrize("route", ["signal", "weights"])
def test_gradients_are_those_by_hand_on_cuda(route, make, layout):
    reference, x = make(), batch()
    kinds = ACTIVATIONS if route == "signal" else nn.Conv2d
    names = [n for n, m in reference.named_modules() if isinstance(m, kinds)]
    expected = getattr(byhand, route)(reference, names, x)
    model = copy.deepcopy(reference).float().to(CUDA, memory_format=layout)
    x = x.float().to(CUDA, memory_format=layout)
    with gm.GradientMask(1.0, size=5, route=route).attach(model) as handle:
        loss(model(x)).backward()
        assert ", fused, active" in repr(handle)
    assert byhand.off(model.cpu().double(), expected) < 1e-3


class Spy:
    """Every error that a switch masks, what competes, and what it becomes."""

    def __init__(self, monkeypatch):
        self.seen, masked = [], Switch.masked

        def spy(switch, delta, energy=None):
            result = masked(switch, delta, energy)
            self.seen.append((delta, energy, result.clone()))
            return result

        monkeypatch.setattr(Switch, "masked", spy)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@ALL
def test_autocast_and_a_scaled_loss_on_cuda(inhibition, dtype, layout, monkeypatch):
    model = plain_net(inplace=True, dtype=torch.float32)
    model = model.to(CUDA, memory_format=layout)
    x = batch(dtype=torch.float32).to(CUDA, memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    scaler = torch.amp.GradScaler("cuda", enabled=dtype == torch.float16)
    spy = Spy(monkeypatch)
    with inhibition.attach(model):
        for _ in range(3):
            optimizer.zero_grad()
            with torch.autocast("cuda", dtype):
                value = loss(model(x))
            scaler.scale(value).backward()
            scaler.step(optimizer)
            scaler.update()
    assert len(spy.seen) == 6
    assert all(p.isfinite().all() for p in model.parameters())
    for delta, energy, result in spy.seen:
        assert delta.dtype == result.dtype == dtype
        mask = inhibition.mask(delta, energy=energy)
        assert torch.equal(result.nan_to_num(), (delta * mask).nan_to_num())
        kernels = inhibition.kernels(*delta.shape[2:], device=CUDA)
        assert agree(mask, delta, kernels, energy=energy)


@pytest.mark.parametrize(
    ("inhibition", "mode"),
    [(WEIGHTS, "default"), (SIGNAL, "reduce-overhead"), (THEORY, "reduce-overhead")],
    ids=repr,
)
def test_compiled_in_one_piece_on_cuda(monkeypatch, inhibition, mode):
    # Decisions here are narrower than what TF32 rounds off.
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    model, x = plain_net().to(CUDA).float(), batch().to(CUDA).float()
    plain = gradients(model, x)
    with inhibition.attach(model):
        masked = gradients(model, x)
        compiled = torch.compile(model, fullgraph=True, mode=mode)
        for _ in range(3):
            measured = gradients(model, x, compiled)
        assert close(measured, masked, 1e-3, 1e-3)
    assert not close(plain, masked, 1e-3, 1e-3)


def step(model, x):
    """Gradients of a loss that copies nothing to the device, which capture forbids."""
    model.zero_grad(set_to_none=True)
    model(x).square().sum().backward()
    return [p.grad.clone() for p in model.parameters()]


def captured(model, x, handle):
    """A whole step as a graph: capture it after eager ones, return its replay."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step(model, x)
    torch.cuda.current_stream().wait_stream(side)
    model.zero_grad(set_to_none=True)
    graph = torch.cuda.CUDAGraph()
    for generator in handle.generators:
        graph.register_generator_state(generator)
    with torch.cuda.graph(graph):
        model(x).square().sum().backward()

    def replay():
        graph.replay()
        return [p.grad.clone() for p in model.parameters()]

    return replay


@ALL
def test_a_captured_step_masks_what_it_is_given_on_cuda(inhibition):
    model, x = plain_net().to(CUDA).float(), batch().to(CUDA).float()
    with inhibition.attach(model) as handle:
        replay = captured(model, x, handle)
        for seed in range(2):
            torch.manual_seed(seed)
            x.copy_(torch.randn(x.shape))
            measured = replay()
            expected = step(copied := copy.deepcopy(model), x)
            assert not close(measured, expected, 1e-3, 1e-3)
            with inhibition.attach(copied):
                assert close(measured, step(copied, x), 1e-4, 1e-4)


@pytest.mark.parametrize("route", ["signal", "weights"])
def test_a_captured_control_draws_anew_at_every_replay_on_cuda(route):
    model, x = plain_net().to(CUDA).float(), batch().to(CUDA).float()
    control = gm.GradientMask(1.0, size=5, route=route, select="random")
    with control.attach(model) as handle:
        replay = captured(model, x, handle)
        first, second = replay(), replay()
        assert not close(first, second, 1e-3, 1e-3)


@ALL
def test_a_known_network_is_masked_without_waiting_for_the_device(inhibition):
    model, x = plain_net().to(CUDA).float(), batch().to(CUDA).float()
    with inhibition.attach(model):
        step(model, x)
        torch.cuda.set_sync_debug_mode("error")
        try:
            step(model, x)
        finally:
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("select", ["top-k", "random"])
def test_controls_keep_as_many_on_cuda(select):
    delta = torch.randn(5, 3, 20, 17, device=CUDA)
    lateral = SIGNAL.mask(delta)
    control = gm.GradientMask(1.0, size=5, select=select).mask(delta)
    assert torch.equal(control.sum((1, 2, 3)), lateral.sum((1, 2, 3)))
    if select == "top-k":
        energy = gm.functional.error_energy(delta)
        expected = gm.functional.keep_largest(energy.cpu(), lateral.cpu())
        assert torch.equal(control.cpu(), expected)


def test_a_double_backward_pass_goes_through_formulas_on_cuda():
    delta = torch.randn(2, 3, 9, 9, device=CUDA, requires_grad=True)
    masked = SIGNAL.masked(delta)
    (slope,) = torch.autograd.grad(masked.square().sum(), delta)
    assert torch.allclose(slope, 2 * masked)
    assert fused.serves(delta)
