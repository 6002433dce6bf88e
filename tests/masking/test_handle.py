"""The life of a handle: on, paused, off, and no trace afterwards."""

import copy
import io
import pickle

import pytest
import torch
from support.networks import (
    ResidualNet,
    batch,
    close,
    gradients,
    hooks,
    identical,
    plain_net,
)
from torch import nn

import gradmask as gm

ROUTES = [
    gm.GradientMask(1.0),
    gm.GradientMask(1.0, route="weights"),
    gm.GradientMask(1.0, route="weights", energy="contribution"),
]
routes = pytest.mark.parametrize("inhibition", ROUTES, ids=["signal", "weights", "sum"])
NETS = [
    plain_net,
    lambda: plain_net(inplace=True),
    lambda: plain_net(nn.InstanceNorm2d),
    lambda: ResidualNet().double(),
    lambda: ResidualNet(inplace=False).double(),
]


@routes
@pytest.mark.parametrize("make", NETS)
def test_the_forward_pass_is_bit_identical(inhibition, make):
    plain, model, x = make(), make(), batch()
    expected = [plain(x), plain(x), plain.eval()(x)]
    with inhibition.attach(model):
        measured = [model(x), model(x), model.eval()(x)]
    assert identical(measured, expected)
    assert identical(list(model.buffers()), list(plain.buffers()))


@routes
@pytest.mark.parametrize("make", NETS)
def test_keeping_everything_is_bit_identical(inhibition, make):
    model, x = make(), batch()
    plain = gradients(model, x)
    everything = gm.GradientMask(1.0, route=inhibition.route, select="all")
    with everything.attach(model):
        assert identical(gradients(model, x), plain)


@routes
@pytest.mark.parametrize("make", NETS)
def test_masking_changes_gradients(inhibition, make):
    model, x = make(), batch()
    plain = gradients(model, x)
    with inhibition.attach(model):
        assert not close(gradients(model, x), plain)
    assert identical(gradients(model, x), plain)


@routes
def test_nothing_is_masked_in_evaluation(inhibition):
    model, x = plain_net().eval(), batch()
    plain = gradients(model, x)
    with inhibition.attach(model):
        assert identical(gradients(model, x), plain)
        with torch.no_grad():
            model.train()(x)


@routes
def test_a_map_without_a_batch_passes_through(inhibition):
    model, x = plain_net(nn.Identity)[:3], batch()[0]
    plain = gradients(model, x)
    with inhibition.attach(model):
        assert identical(gradients(model, x), plain)


@routes
def test_masking_follows_each_modules_own_training_flag(inhibition):
    model, x = plain_net(), batch()
    name = "2" if inhibition.route == "signal" else "0"
    site = model.get_submodule(name)
    with inhibition.attach(model, name):
        masked = gradients(model, x)
        site.eval()
        assert identical(gradients(model, x), gradients(copy.deepcopy(model), x))
        site.train()
        assert identical(gradients(model, x), masked)


@routes
def test_no_hook_is_left_behind(inhibition):
    model = plain_net()
    with inhibition.attach(model):
        assert hooks(model) > 0
    assert hooks(model) == 0

    with pytest.raises(KeyError), inhibition.attach(model):
        raise KeyError
    assert hooks(model) == 0

    handle = inhibition.attach(model)
    handle.remove()
    handle.remove()
    assert hooks(model) == 0


@routes
def test_a_failed_attachment_leaves_no_hook(inhibition):
    model = plain_net()
    for layers in ("nowhere", nn.LSTM, ["0", "7"], lambda name, module: False):
        if layers == ["0", "7"] and inhibition.route == "signal":
            continue
        with pytest.raises(ValueError, match=r"attach|named"):
            inhibition.attach(model, layers)
        assert hooks(model) == 0


@routes
def test_a_handle_removed_after_the_forward_masks_nothing(inhibition):
    model, x = plain_net(), batch()
    plain = gradients(model, x)
    handle = inhibition.attach(model)

    def call(x):
        output = model(x)
        handle.remove()
        return output

    assert close(gradients(model, x, call), plain, rtol=1e-12)


@routes
def test_pausing_and_nested_pausing(inhibition):
    model, x = plain_net(), batch()
    plain = gradients(model, x)
    with inhibition.attach(model) as handle:
        masked = gradients(model, x)
        with handle.paused():
            assert identical(gradients(model, x), plain)
            with handle.paused():
                assert not handle.active
            assert not handle.active
            assert identical(gradients(model, x), plain)
        assert handle.active
        assert identical(gradients(model, x), masked)
        with pytest.raises(KeyError), handle.paused():
            raise KeyError
        assert handle.active


@routes
def test_pausing_the_backward_pass_alone(inhibition):
    model, x = plain_net(), batch()
    plain = gradients(model, x)
    with inhibition.attach(model) as handle:
        model.zero_grad()
        output = model(x)
        with handle.paused():
            output.sum().backward()
        paused = [p.grad for p in model.parameters()]
    model.zero_grad()
    model(x).sum().backward()
    assert close(paused, [p.grad for p in model.parameters()], rtol=1e-12)
    assert not close(paused, plain)


def test_every_mask_on_a_network_pauses_together():
    model, x = plain_net(), batch()
    plain = gradients(model, x)
    with ROUTES[0].attach(model) as one, ROUTES[1].attach(model, "0") as two:
        masked = gradients(model, x)
        with gm.masking.paused(model), gm.masking.paused(model):
            assert not one.active
            assert not two.active
            assert identical(gradients(model, x), plain)
            two.remove()
        assert one.active
        assert not two.active
        with one.paused():
            with gm.masking.paused(model):
                pass
            assert not one.active
    assert not close(masked, plain)
    with gm.masking.paused(model):
        assert identical(gradients(model, x), plain)


def test_a_handle_removed_in_a_pause_stays_off():
    handle = ROUTES[0].attach(plain_net())
    with handle.paused():
        handle.remove()
    assert not handle.active


@routes
def test_repr_lists_state_sites_and_what_is_skipped(inhibition):
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3, 3), nn.ReLU()
    )
    with inhibition.attach(model) as handle:
        text = repr(handle)
        assert str(inhibition) in text
        assert "active, at 1 site:" in text
        if inhibition.route == "signal":
            assert "  1: ReLU" in text
            assert "skipped 4: it follows a Linear layer" in text
        else:
            assert "  0: Conv2d" in text
        with handle.paused():
            assert "paused" in repr(handle)
    assert "removed" in repr(handle)
    with inhibition.attach(model[0], nn.Conv2d) as handle:
        assert "(root): Conv2d" in repr(handle)


@routes
@pytest.mark.parametrize("way", ["deepcopy", "pickle", "torch.save"])
def test_copies_made_while_attached_are_not_masked(inhibition, way):
    def duplicate(model):
        if way == "deepcopy":
            return copy.deepcopy(model)
        if way == "pickle":
            return pickle.loads(pickle.dumps(model))
        buffer = io.BytesIO()
        torch.save(model, buffer)
        buffer.seek(0)
        return torch.load(buffer, weights_only=False)

    model, x = plain_net(), batch()
    plain = gradients(model, x)
    with inhibition.attach(model):
        masked = gradients(model, x)
        twin = duplicate(duplicate(model))
        assert identical(gradients(twin, x), plain)
        twin(x.clone().requires_grad_())
        with inhibition.attach(twin):
            assert identical(gradients(twin, x), masked)
        assert identical(gradients(twin, x), plain)
        assert identical(gradients(model, x), masked)
    assert hooks(duplicate(model)) == 0


@routes
def test_state_dict_is_unaffected(inhibition):
    model = plain_net()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    with inhibition.attach(model):
        during = model.state_dict()
        assert list(during) == list(before)
        assert identical(list(during.values()), list(before.values()))
        plain_net().load_state_dict(during)
    assert list(model.state_dict()) == list(before)


@routes
def test_one_configuration_serves_two_models(inhibition):
    one, two, x = plain_net(), plain_net(), batch()
    with inhibition.attach(one) as first, inhibition.attach(two):
        masked = gradients(one, x)
        assert identical(masked, gradients(two, x))
        first.remove()
        assert identical(masked, gradients(two, x))
        assert not close(masked, gradients(one, x))


@pytest.mark.parametrize("route", ["signal", "weights"])
def test_the_random_control_depends_on_its_seed_alone(route):
    def run(seed):
        model, x = plain_net(), batch()
        inhibition = gm.GradientMask(1.0, route=route, select="random", seed=seed)
        with inhibition.attach(model):
            return gradients(model, x), gradients(model, x)

    state = torch.get_rng_state()
    first = run(0)
    torch.set_rng_state(state)
    again = run(0)
    assert not close(*first)
    assert all(map(identical, first, again))
    assert not close(first[0], run(1)[0])
    model, x = plain_net(), batch()
    before = torch.get_rng_state()
    with gm.GradientMask(1.0, route=route, select="random").attach(model):
        gradients(model, x)
    assert torch.get_rng_state().equal(before)
