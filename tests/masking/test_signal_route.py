"""The signal route: the masked error flows on, and only where it should."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support import oracle
from support.networks import (
    ResidualNet,
    bare_net,
    batch,
    close,
    gradients,
    identical,
    loss,
)
from torch import nn

import gradmask as gm

KERNEL = oracle.log_kernel(1.0, 7)


class Reference(torch.autograd.Function):
    """The oracle's mask in the backward pass of an identity."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, delta):
        return delta * torch.from_numpy(oracle_mask(delta))


def oracle_mask(delta):
    return oracle.mask(oracle.energy(delta.numpy()), [KERNEL])


def masked_relu(x):
    return F.relu(Reference.apply(x))


def reference_gradients(model, x, forward):
    """Gradients of a functional forward pass with masks written by hand."""
    model.zero_grad(set_to_none=True)
    loss(forward(x)).backward()
    return [p.grad for p in model.parameters()]


@pytest.mark.parametrize("inplace", [False, True])
def test_plain_network_equals_the_chain_rule_by_hand(inplace):
    """Every step of the backward pass written out, weight gradients by loops."""
    model, x = bare_net(inplace=inplace), batch()
    with torch.no_grad():
        z1 = model[0](x)
        z2 = model[3](z1.relu())
    out = z2.relu().flatten(1).requires_grad_()
    output = model[-1](out)
    (d_out,) = torch.autograd.grad(loss(output), out)
    delta2 = d_out.view_as(z2) * (z2 > 0)
    delta2 = delta2 * torch.from_numpy(oracle_mask(delta2))
    below = nn.grad.conv2d_input(z1.shape, model[3].weight.detach(), delta2, padding=1)
    delta1 = below * (z1 > 0)
    delta1 = delta1 * torch.from_numpy(oracle_mask(delta1))
    inputs = (x, z1.relu())
    by_hand = []
    for delta, a in zip((delta1, delta2), inputs, strict=True):
        a = oracle.padded(a.numpy(), (1, 1, 1, 1))
        g = oracle.weight_gradients(delta.numpy(), a, (3, 3))
        by_hand += [torch.from_numpy(g.sum(0)), delta.sum((0, 2, 3))]

    with gm.GradientMask(1.0).attach(model):
        measured = gradients(model, x)
    assert close(measured[:4], by_hand)
    assert not close(measured[:4], gradients(model, x)[:4])


@pytest.mark.parametrize("inplace", [False, True])
def test_residual_network_with_a_shared_relu_used_twice(inplace):
    model, x = ResidualNet(inplace).double(), batch()

    def forward(x):
        x = model.stem(x)
        h = model.b(masked_relu(model.a(x))) + x
        return model.head(masked_relu(h).flatten(1))

    with gm.GradientMask(1.0).attach(model) as handle:
        assert handle.sites == ("relu",)
        masked = gradients(model, x)
    assert close(masked, reference_gradients(model, x, forward))


class TwoReaders(nn.Module):
    """A feature map that an activation reads, and something else, before or after."""

    def __init__(self, inplace, first):
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace)
        self.first = first

    def forward(self, x, relu=None):
        h = self.conv(x)
        if self.first:
            plain = h.sin().cos()
            return (relu or self.relu)(h) + plain
        active = (relu or self.relu)(h)
        return active + h.sin().cos()


@pytest.mark.parametrize("first", [False, True])
def test_another_reader_keeps_its_plain_error(first):
    model, x = TwoReaders(False, first).double(), batch()
    with gm.GradientMask(1.0).attach(model):
        masked = gradients(model, x)
    expected = reference_gradients(model, x, lambda x: model(x, masked_relu))
    assert close(masked, expected)
    assert not close(masked, gradients(model, x))


def test_after_an_inplace_relu_later_readers_stand_behind_the_mask():
    """An in-place ReLU makes its input and output one: h is rectified for all."""
    model, x = TwoReaders(True, first=False).double(), batch()

    def forward(x):
        h = masked_relu(model.conv(x))
        return h + h.sin().cos()

    with gm.GradientMask(1.0).attach(model):
        output = model(x)
        masked = gradients(model, x)
    assert output.equal(model(x))
    assert close(masked, reference_gradients(model, x, forward))


class HalfRectified(nn.Module):
    """An in-place ReLU on a view, whose base is read afterwards."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.relu = nn.ReLU(True)

    def forward(self, x):
        h = self.conv(x)
        self.relu(h[:, :2])
        return h.sin()


def test_inplace_relu_on_a_view():
    model, x = HalfRectified().double(), batch()

    def forward(x):
        h = model.conv(x)
        return torch.cat([masked_relu(h[:, :2]), h[:, 2:]], 1).sin()

    with gm.GradientMask(1.0).attach(model):
        output = model(x)
        masked = gradients(model, x)
    assert output.equal(model(x))
    assert close(masked, reference_gradients(model, x, forward))


class Sum(nn.Module):
    """Two convolutions, added: autograd hands one error map to both."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.a = nn.Conv2d(2, 4, 3, padding=1)
        self.b = nn.Conv2d(2, 4, 3, padding=1)

    def forward(self, x):
        return self.a(x) + self.b(x)


@pytest.mark.parametrize("route", ["signal", "weights"])
@pytest.mark.parametrize("masked", ["a", "b"])
def test_an_error_map_handed_to_two_branches_is_not_written_into(route, masked):
    model, x = Sum().double(), batch()
    plain = gradients(model, x)
    with gm.GradientMask(1.0, route=route).attach(model, masked):
        measured = gradients(model, x)
    a_changed = not close(plain[:2], measured[:2])
    b_changed = not close(plain[2:], measured[2:])
    assert (a_changed, b_changed) == (masked == "a", masked == "b")
    other = slice(2, 4) if masked == "a" else slice(0, 2)
    assert identical(plain[other], measured[other])


def test_other_modules_are_masked_at_their_output():
    model, x = bare_net(), batch()

    def forward(x):
        h = Reference.apply(model[0](x)).relu()
        h = Reference.apply(model[3](h)).relu()
        return model[-1](h.flatten(1))

    with gm.GradientMask(1.0).attach(model, nn.Conv2d):
        masked = gradients(model, x)
    assert close(masked, reference_gradients(model, x, forward))


def test_a_masked_output_may_be_modified_in_place():
    model, x = bare_net(inplace=True), batch()
    outside = bare_net(inplace=False)
    with gm.GradientMask(1.0).attach(model, nn.Conv2d):
        masked = gradients(model, x)
    with gm.GradientMask(1.0).attach(outside, nn.Conv2d):
        assert identical(masked, gradients(outside, x))


def test_small_maps_and_vectors_pass_through():
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.ReLU())
    x = batch(side=8).float()
    plain = gradients(model, x)
    with gm.GradientMask(1.0, size=7).attach(model):
        assert identical(gradients(model, x), plain)
    with gm.GradientMask(1.0, size=5).attach(model):
        assert not identical(gradients(model, x), plain)


def test_double_backward_differentiates_through_the_mask():
    """The gradient of a squared masked gradient, against the hand-written network."""
    model, x = bare_net(), batch()

    class Twice(Reference):
        @staticmethod
        def backward(ctx, delta):
            return delta * torch.from_numpy(oracle_mask(delta.detach()))

    def forward(x):
        h = Twice.apply(model[0](x))
        h = Twice.apply(model[3](h.tanh()))
        return model[-1](h.tanh().flatten(1))

    for i in (2, 5):
        model[i] = nn.Tanh()
    parameters = list(model.parameters())

    def second(call):
        first = torch.autograd.grad(loss(call(x)), parameters, create_graph=True)
        penalty = sum(g.square().sum() for g in first)
        return torch.autograd.grad(penalty, parameters)

    with gm.GradientMask(1.0).attach(model, nn.Tanh, allow_input_grad=True) as handle:
        assert handle.sites == ("2", "5")
    with gm.GradientMask(1.0).attach(model, ["0", "3"]):
        masked = second(model)
    assert close(masked, second(forward))
    assert not close(masked, second(model))


def test_signal_error_equals_numpy_at_one_site():
    delta = np.random.default_rng(0).normal(size=(3, 5, 12, 12))
    z = torch.zeros(3, 5, 12, 12, dtype=torch.float64, requires_grad=True)
    layer = nn.Identity()
    with gm.GradientMask(1.0).attach(layer, nn.Identity, allow_input_grad=True):
        layer(z).backward(torch.from_numpy(delta))
    kept = oracle.mask(oracle.energy(delta), [KERNEL])
    assert np.array_equal(z.grad, delta * kept)
