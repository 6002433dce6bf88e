"""The weights route: masked weight gradients, and everything else untouched."""

import weakref

import numpy as np
import pytest
import torch
from support import oracle
from support.networks import (
    bare_net,
    batch,
    close,
    gradients,
    identical,
    loss,
    plain_net,
)
from torch import nn
from torch.nn.utils import prune

import gradmask as gm

GEOMETRIES = [
    {},
    {"padding": 1, "bias": False},
    {"padding": (2, 1), "stride": (1, 2), "dilation": (1, 2)},
    {"padding": "same", "kernel_size": (4, 3)},
    {"padding": "same", "kernel_size": (2, 4), "dilation": (3, 1)},
    {"padding": "valid", "stride": 2},
    {"padding": 1, "groups": 2},
    {"padding": (1, 2), "padding_mode": "reflect", "stride": 2},
    {"padding": 2, "padding_mode": "replicate", "dilation": 2},
    {"padding": 1, "padding_mode": "circular", "groups": 4},
    {"padding": "same", "kernel_size": (4, 2), "padding_mode": "circular"},
]


def convolution(kernel_size=3, **geometry):
    torch.manual_seed(1)
    return nn.Conv2d(4, 8, kernel_size, **geometry).double()


def padded_input(conv, x):
    left, right, top, bottom = conv._reversed_padding_repeated_twice
    return oracle.padded(x.numpy(), (top, bottom, left, right), conv.padding_mode)


def oracle_gradients(conv, x, delta, kernel, energy="error"):
    a = padded_input(conv, x)
    geometry = (conv.kernel_size, conv.stride, conv.dilation, conv.groups)
    if energy == "error":
        e = oracle.energy(delta)
    else:
        e = oracle.contribution_energy(delta, a, *geometry)
    masked = delta * oracle.mask(e, [kernel])
    return oracle.weight_gradients(masked, a, *geometry).sum(0), masked.sum((0, 2, 3))


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("energy", ["error", "contribution"])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_weight_and_bias_gradients_equal_the_oracle(geometry, energy):
    conv, x = convolution(**geometry), batch(2, 4, 8).requires_grad_()
    plain_output = conv(x)
    delta = torch.randn_like(plain_output)
    plain_output.backward(delta)
    plain_input_grad, x.grad = x.grad, None
    conv.zero_grad()
    inhibition = gm.GradientMask(0.5, size=3, route="weights", energy=energy)
    with inhibition.attach(conv):
        output = conv(x)
        output.backward(delta)
    kernel = oracle.log_kernel(0.5, 3)
    dw, db = oracle_gradients(conv, x.detach(), delta.numpy(), kernel, energy)
    assert output.equal(plain_output)
    assert x.grad.equal(plain_input_grad)
    assert np.allclose(conv.weight.grad, dw)
    if conv.bias is not None:
        assert np.allclose(conv.bias.grad, db)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_mask_of_ones_changes_no_bit(geometry, dtype):
    conv, x = convolution(**geometry).to(dtype), batch(2, 4, 11, dtype)
    model = nn.Sequential(nn.Conv2d(4, 4, 1).to(dtype), conv, nn.ReLU())
    plain = gradients(model, x)
    with gm.GradientMask(1.0, route="weights", select="all").attach(model):
        assert identical(gradients(model, x), plain)


def norms(groups=2):
    return {
        "batch": nn.BatchNorm2d,
        "group": lambda c: nn.GroupNorm(groups, c),
        "instance": nn.InstanceNorm2d,
        "layer": lambda c: nn.GroupNorm(1, c),
    }


def cosine(conv):
    """Between weight and gradient, per output channel: (out,)."""
    return torch.cosine_similarity(conv.weight.flatten(1), conv.weight.grad.flatten(1))


@pytest.mark.parametrize("norm", norms())
@pytest.mark.parametrize("bias", [True, False])
def test_weight_gradient_is_orthogonal_to_the_weight_under_a_normalisation(norm, bias):
    torch.manual_seed(3)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, bias=bias), norms()[norm](4), nn.ReLU(), nn.Flatten()
    ).double()
    model[1].eps = 1e-12
    x = batch()
    for project in (True, False):
        inhibition = gm.GradientMask(1.0, route="weights", project=project)
        with inhibition.attach(model):
            gradients(model, x)
        # Normalising by group leaves the loss blind to a common scale of the group's
        # weights and bias alone.
        g = [p * p.grad for p in model[0].parameters()]
        along = sum(t.sum() for t in g).abs() / model[0].weight.grad.norm()
        assert (along < 1e-9) == project
        if norm in ("batch", "instance"):
            assert (cosine(model[0]).abs().max() < 1e-9) == project
        if norm in ("batch", "instance") and bias:
            assert (model[0].bias.grad.abs().max() < 1e-9) == project


@pytest.mark.parametrize("groups", [None, 2])
def test_projection_equals_the_oracle(groups):
    norm = nn.BatchNorm2d(4) if groups is None else nn.GroupNorm(groups, 4)
    model = nn.Sequential(nn.Conv2d(2, 4, 3), norm, nn.Sigmoid()).double()
    x = batch()
    z = model[0](x).detach().requires_grad_()
    (delta,) = torch.autograd.grad(loss(model[2](model[1](z))), z)
    with gm.GradientMask(1.0, route="weights").attach(model):
        gradients(model, x)
    masked = delta.numpy() * oracle.mask(
        oracle.energy(delta.numpy()), [oracle.log_kernel(1.0, 7)]
    )
    masked = oracle.projected(masked, z.detach().numpy(), groups)
    expected = oracle.weight_gradients(masked, x.numpy(), (3, 3)).sum(0)
    assert np.allclose(model[0].weight.grad, expected)


def test_a_map_too_small_to_be_masked_keeps_the_node_of_its_convolution():
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2))
    with gm.GradientMask(sigma=1.0, size=5, route="weights").attach(model) as handle:
        node = model[0](batch(2, 1, 4).float()).grad_fn
        assert type(node).__name__ == "ConvolutionBackward0"
        assert "0: Conv2d, nothing masked yet: its maps of 4x4" in repr(handle)


def test_the_normalised_map_is_let_go_in_the_backward_pass():
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2)).double()
    kept = []
    with gm.GradientMask(sigma=1.0, size=5, route="weights").attach(model):
        model[0].register_forward_hook(lambda *args: kept.append(args[-1]))
        value = model(batch(2, 1, 9)).square().sum()
        (output,) = kept
        alive = weakref.ref(output.grad_fn.following.z)
        assert alive() is not None
        value.backward()
    assert alive() is None


def test_a_retained_graph_is_projected_every_time():
    model, measured = plain_net(), []
    with gm.GradientMask(1.0, route="weights").attach(model):
        value = loss(model(batch()))
        for retain in (True, False):
            model.zero_grad()
            value.backward(retain_graph=retain)
            measured.append([p.grad for p in model.parameters()])
    assert close(*measured)


def test_projecting_each_processs_share_of_a_batch_keeps_the_mean_orthogonal():
    """What SyncBatchNorm does with a batch over two processes."""
    conv, x = convolution(), batch(6, 4, 11)
    z = conv(x)
    delta = torch.randn_like(z)
    shares = [slice(0, 3), slice(3, 6)]
    projected = torch.cat(
        [gm.functional.project_out(delta[s], z[s].detach()) for s in shares]
    )
    z.backward(projected)
    assert cosine(conv).abs().max() < 1e-9
    assert not torch.allclose(projected, gm.functional.project_out(delta, z.detach()))


def test_a_frozen_batch_norm_is_not_projected():
    model, x = plain_net(), batch()
    for module in (model[1], model[4]):
        module.eval()
    measured = []
    for project in (True, False):
        with gm.GradientMask(1.0, route="weights", project=project).attach(model):
            measured.append(gradients(model, x))
    assert identical(*measured)


def test_an_instance_norm_in_eval_mode_normalises_by_its_own_statistics():
    model, x = plain_net(nn.InstanceNorm2d), batch()
    model[1].eval()
    with gm.GradientMask(1.0, route="weights").attach(model):
        gradients(model, x)
    assert cosine(model[0]).abs().max() < 1e-3


def test_projection_leaves_no_mark_on_an_unmasked_convolution():
    model, x = plain_net(), batch()
    plain = gradients(model, x)
    with gm.GradientMask(1.0, route="weights", size=13).attach(model):
        assert identical(gradients(model, x), plain)


def test_only_the_masked_convolutions_own_gradients_change():
    model, x = plain_net(), batch()
    plain = gradients(model, x)
    with gm.GradientMask(1.0, route="weights").attach(model, "0"):
        masked = gradients(model, x)
    assert not close(plain[:2], masked[:2])
    assert identical(plain[2:], masked[2:])


@pytest.mark.parametrize("inplace", [False, True])
def test_convolution_followed_by_an_inplace_relu(inplace):
    measured = []
    for model in (bare_net(inplace=inplace), bare_net()):
        with gm.GradientMask(1.0, route="weights").attach(model):
            measured.append(gradients(model, batch()))
    assert identical(*measured)


@pytest.mark.parametrize("frozen", ["weight", "bias"])
def test_frozen_parameters_stay_without_gradient(frozen):
    conv, x = convolution(), batch(2, 4, 11)
    getattr(conv, frozen).requires_grad_(False)
    model = nn.Sequential(nn.Conv2d(4, 4, 1).double(), conv)
    plain = gradients(model, x)
    with gm.GradientMask(1.0, route="weights").attach(model, "1"):
        masked = gradients(model, x)
    assert [g is None for g in plain] == [g is None for g in masked]
    assert identical(plain[:2], masked[:2])


@pytest.mark.parametrize("norm", [None, *norms()])
def test_double_backward_equals_the_explicit_computation(norm):
    """Masked, projected gradient written with autograd's own operations."""
    conv = nn.Conv2d(2, 4, 3, padding=1).double()
    after = nn.Sequential(norms()[norm](4) if norm else nn.Identity(), nn.Sigmoid())
    model = nn.Sequential(conv, after.double())
    x, groups = batch(), {"group": 2, "instance": 4, "layer": 1}.get(norm)
    parameters = [conv.weight, conv.bias]

    def explicit():
        z = conv(x)
        (delta,) = torch.autograd.grad(loss(after(z)), z, create_graph=True)
        e = oracle.energy(delta.detach().numpy())
        masked = delta * torch.from_numpy(oracle.mask(e, [oracle.log_kernel(1.0, 7)]))
        if norm:
            masked = gm.functional.project_out(masked, z, groups)
        return torch.autograd.grad(z, parameters, masked, create_graph=True)

    def masked():
        with gm.GradientMask(1.0, route="weights").attach(model):
            return torch.autograd.grad(loss(model(x)), parameters, create_graph=True)

    first, expected = masked(), explicit()
    assert close(first, expected)
    second, expected = (
        torch.autograd.grad(sum(g.pow(3).sum() for g in each), parameters)
        for each in (first, expected)
    )
    assert close(second, expected)


def test_other_peoples_hooks_compose():
    """Hooks that change a convolution's input and output stand around the mask."""
    conv, x = convolution(padding=1), batch(2, 4, 11)
    changes = [
        conv.register_forward_pre_hook(lambda m, args: (args[0].tanh(),)),
        conv.register_forward_hook(lambda m, args, output: output.sin()),
    ]
    plain = conv(x)
    with gm.GradientMask(0.5, size=3, route="weights").attach(conv):
        output = conv(x)
        loss(output).backward()
    for change in changes:
        change.remove()
    z = conv(x.tanh()).detach().requires_grad_()
    (delta,) = torch.autograd.grad(loss(z.sin()), z)
    kernel = oracle.log_kernel(0.5, 3)
    dw, db = oracle_gradients(conv, x.tanh(), delta.numpy(), kernel)
    assert output.equal(plain)
    assert np.allclose(conv.weight.grad, dw)
    assert np.allclose(conv.bias.grad, db)


def test_parametrised_weights():
    torch.manual_seed(0)
    conv = nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 4, 3)).double()
    x = batch()
    plain = gradients(conv, x)
    with gm.GradientMask(1.0, route="weights", select="all").attach(conv):
        assert close(gradients(conv, x), plain)
    with gm.GradientMask(1.0, route="weights").attach(conv):
        assert not close(gradients(conv, x), plain)


def test_pruned_weights_get_masked_and_pruned_gradients():
    conv, x = convolution(), batch(2, 4, 11)
    prune.l1_unstructured(conv, "weight", 0.5)
    with gm.GradientMask(1.0, route="weights").attach(conv):
        gradients(conv, x)
    assert conv.weight_orig.grad[conv.weight_mask == 0].eq(0).all()
    assert conv.weight_orig.grad[conv.weight_mask == 1].ne(0).all()
