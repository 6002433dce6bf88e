"""What people do around a training step: averaging, accumulating, compiling."""

import copy

import pytest
import torch
from support import byhand
from support.networks import batch, close, gradients, hooks, identical, loss, plain_net
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

import gradmask as gm

ROUTES = [
    gm.GradientMask(1.0, size=5),
    gm.GradientMask(1.0, size=5, route="weights"),
]
routes = pytest.mark.parametrize("inhibition", ROUTES, ids=["signal", "weights"])


@routes
@pytest.mark.parametrize("averaging", ["ema", "swa"])
@pytest.mark.parametrize("before", [True, False])
def test_an_averaged_copy_is_unmasked_and_the_network_masked(
    inhibition, averaging, before
):
    def averaged(model):
        ema = averaging == "ema"
        return AveragedModel(
            model, multi_avg_fn=get_ema_multi_avg_fn() if ema else None
        )

    model, x = plain_net(), batch()
    twin = averaged(model) if before else None
    plain = gradients(model, x)
    with inhibition.attach(model):
        masked = gradients(model, x)
        twin = twin or averaged(model)
        twin.update_parameters(model)
        update_bn([x], twin)
        assert close(gradients(twin.module, x), plain)
        assert identical(gradients(model, x), masked)
    assert not close(plain, masked)
    assert hooks(model) == 0


@routes
def test_accumulated_gradients_are_the_sum_of_the_oracles(inhibition):
    model, parts = plain_net(), batch(6).split(2)
    by_hand = byhand.signal if inhibition.route == "signal" else byhand.weights
    names = ["2", "5"] if inhibition.route == "signal" else ["0", "3"]
    expected = [by_hand(model, names, part) for part in parts]
    total = {name: sum(e[name] for e in expected) for name in expected[0]}
    with inhibition.attach(model):
        for part in parts:
            loss(model(part)).backward()
    assert byhand.off(model, total) < 1e-9


@routes
@pytest.mark.parametrize("attached_first", [True, False])
def test_compiled_before_or_after_attaching_equals_the_oracle(
    inhibition, attached_first
):
    torch.compiler.reset()
    model, x = plain_net(), batch()
    by_hand = byhand.signal if inhibition.route == "signal" else byhand.weights
    names = ["2", "5"] if inhibition.route == "signal" else ["0", "3"]
    expected = by_hand(model, names, x)
    compiled = None if attached_first else torch.compile(model, backend="aot_eager")
    with inhibition.attach(model):
        compiled = compiled or torch.compile(model, backend="aot_eager")
        loss(compiled(x)).backward()
    torch.compiler.reset()
    assert byhand.off(model, expected) < 1e-9


@routes
def test_a_copy_of_the_network_is_masked_once_a_mask_is_attached_to_it(inhibition):
    model, x = plain_net(), batch()
    with inhibition.attach(model):
        masked = gradients(model, x)
        twin = copy.deepcopy(model)
    with inhibition.attach(twin) as handle:
        assert identical(gradients(twin, x), masked)
        if inhibition.route == "weights":
            assert "0: Conv2d, projected by 1" in repr(handle)
