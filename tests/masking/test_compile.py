"""torch.compile: attached before or after the first compiled run, paused, removed."""

import shutil

import pytest
import torch
from support import byhand
from support.networks import (
    ResidualNet,
    batch,
    close,
    gradients,
    identical,
    loss,
    plain_net,
)
from torch import nn

import gradmask as gm

NORMS = {
    "batch": nn.BatchNorm2d,
    "group": lambda width: nn.GroupNorm(2, width),
    "instance": nn.InstanceNorm2d,
    "none": lambda width: nn.Identity(),
}


def single(norm=nn.BatchNorm2d, *, inplace=False):
    """A convolution, its normalisation and a linear read-out: little to trace."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), norm(4), nn.ReLU(inplace), nn.Flatten(),
        nn.Linear(4 * 12 * 12, 3),
    ).double()  # fmt: skip


NETS = {
    "plain": lambda: single(inplace=True),
    "residual": lambda: ResidualNet().double(),
}


@pytest.fixture(autouse=True)
def _fresh():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
@pytest.mark.parametrize("route", ["signal", "weights"])
def test_compiled_gradients_equal_eager_ones_throughout(make, route):
    model, x = make(), batch()
    compiled = torch.compile(model, backend="aot_eager")

    def agree():
        eager = gradients(model, x)
        assert close(gradients(model, x, compiled), eager)
        return eager

    plain = agree()
    with gm.GradientMask(1.0, route=route).attach(model) as handle:
        masked = agree()
        with handle.paused():
            assert identical(agree(), plain)
        assert identical(agree(), masked)
        model.eval()
        agree()
        model.train()
        assert identical(agree(), masked)
    assert identical(agree(), plain)
    assert not close(plain, masked)


@pytest.mark.parametrize(
    ("route", "names"), [("signal", ["2", "5"]), ("weights", ["0", "3"])]
)
def test_attached_before_compiling_equals_the_oracle(route, names):
    model, x = plain_net(), batch()
    inhibition = gm.GradientMask(1.0, size=5, route=route)
    expected = byhand.gradients(inhibition, model, names, x)
    plain = gradients(model, x)
    with inhibition.attach(model):
        compiled = torch.compile(model, backend="aot_eager")
        gradients(model, x, compiled)
        assert byhand.off(model, expected) < 1e-9
    assert close(gradients(model, x, compiled), plain)


@pytest.mark.parametrize(
    "values",
    [
        {"select": "top-k"},
        {"select": "random"},
        {"relative": True, "sigma": (0.05, 0.1), "threshold": 0.5},
        {"sigma": 0.3, "relative": True, "kernel": "dog"},
    ],
)
def test_other_configurations_compile(values):
    model, x = single(), batch()
    inhibition = gm.GradientMask(**values)
    with inhibition.attach(model):
        masked = gradients(model, x)
    with inhibition.attach(model):
        compiled = torch.compile(model, backend="aot_eager")
        assert close(gradients(model, x, compiled), masked)


IN_PLACE_IS_LOST = pytest.mark.skipif(
    torch.__version__ < (2, 14),
    reason="before PyTorch 2.14 the mask breaks the graph at an in-place activation",
)


@pytest.mark.parametrize("make", [single, ResidualNet], ids=["plain", "residual"])
@pytest.mark.parametrize("inplace", [False, pytest.param(True, marks=IN_PLACE_IS_LOST)])
def test_the_signal_route_breaks_no_graph(make, inplace):
    model, x = make(inplace=inplace).double(), batch()
    with gm.GradientMask(1.0).attach(model):
        masked = gradients(model, x)
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        assert close(gradients(model, x, compiled), masked)


@pytest.mark.parametrize(
    ("norm", "inhibition"),
    [
        *((norm, gm.GradientMask.from_theory()) for norm in NORMS),
        ("batch", gm.GradientMask(1.0, route="weights")),
        ("batch", gm.GradientMask(1.0, route="weights", project=False)),
    ],
    ids=str,
)
def test_after_a_pass_the_weights_route_breaks_no_graph(inhibition, norm):
    model, x = single(NORMS[norm], inplace=True), batch()
    with inhibition.attach(model):
        masked = gradients(model, x)
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        for _ in range(2):
            assert close(gradients(model, x, compiled), masked)


def test_compiled_before_a_pass_the_weights_route_breaks_graphs_and_is_right():
    model, x = single(inplace=True), batch()
    with gm.GradientMask(1.0, route="weights").attach(model):
        compiled = torch.compile(model, backend="aot_eager")
        first, second = (gradients(model, x, compiled) for _ in range(2))
        masked = gradients(model, x)
        assert close(first, masked)
        assert close(second, masked)


class Crowded(nn.Module):
    """A convolution that a sum reads besides its normalisation."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x):
        z = self.conv(x)
        return z + self.norm(z)


@pytest.mark.parametrize("frozen", [False, True])
def test_compiled_code_projects_where_passes_did(frozen):
    model, x = Crowded().double(), batch()
    if frozen:
        model.norm.eval()
    with gm.GradientMask(1.0, route="weights").attach(model) as handle:
        masked = gradients(model, x)
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        assert close(gradients(model, x, compiled), masked)
        assert "not projected" in repr(handle)


def test_a_normalisation_thawed_after_compiling_is_projected_by():
    model, x = single(), batch()
    with gm.GradientMask(1.0, route="weights").attach(model):
        model[1].eval()
        gradients(model, x)
        compiled = torch.compile(model, backend="aot_eager")
        for training in (False, True):
            model[1].train(training)
            measured = gradients(model, x, compiled)
            assert close(measured, gradients(model, x))


def test_a_kernel_applied_by_cosines_compiles():
    model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3))
    model, x = model.double(), batch(side=24)[..., :20]
    plain = gradients(model, x)
    with gm.GradientMask(2.5).attach(model):
        masked = gradients(model, x)
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        assert close(gradients(model, x, compiled), masked)
    assert not close(plain, masked)


@pytest.mark.parametrize("sigma", [0.1, (0.05, 0.1)])
def test_maps_of_several_sizes_compile(sigma):
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 1, 3, padding=1), nn.ReLU(),
    ).double()  # fmt: skip
    x = batch(side=36)[..., :28]
    plain = gradients(model, x)
    with gm.GradientMask(sigma, relative=True).attach(model):
        masked = gradients(model, x)
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        assert close(gradients(model, x, compiled), masked)
    assert not close(plain, masked)


def test_other_batch_sizes_are_masked_too():
    model = single()
    with gm.GradientMask(1.0).attach(model):
        compiled = torch.compile(model, backend="aot_eager")
        for n in (4, 3, 2, 1):
            x = batch(n)
            assert close(gradients(model, x, compiled), gradients(model, x))


def test_an_attack_through_a_compiled_network_is_refused():
    model, x = single(), batch()
    with gm.GradientMask(1.0).attach(model):
        compiled = torch.compile(model, backend="aot_eager")
        loss(compiled(x)).backward()
        with pytest.raises(RuntimeError, match="the input requires grad"):
            compiled(x.requires_grad_())


INDUCTOR = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")),
    reason="no C++ compiler for inductor",
)


@INDUCTOR
@pytest.mark.parametrize("route", ["signal", "weights"])
def test_inductor(route):
    model, x = plain_net(inplace=True), batch()
    plain = gradients(model, x)
    compiled = torch.compile(model)
    with gm.GradientMask(1.0, route=route).attach(model):
        masked = gradients(model, x)
        assert close(gradients(model, x, compiled), masked)
    assert not close(plain, masked)


@INDUCTOR
@pytest.mark.parametrize("route", ["signal", "weights"])
def test_inductor_lets_an_activation_work_in_place_on_a_masked_output(route):
    model, x = single(nn.Identity, inplace=True), batch()
    del model[1]
    with gm.GradientMask(1.0, route=route).attach(model):
        compiled = torch.compile(model)
        found = [gradients(model, x, compiled) for _ in range(3)]
        masked = gradients(model, x)
    assert all(close(one, masked) for one in found)


class Watcher:
    """Somebody's hook, with an attribute that the compiler guards on."""

    seen = 0

    def __call__(self, *args):
        self.seen + 1


@pytest.mark.parametrize("route", ["signal", "weights"])
def test_hooks_of_others_are_not_mistaken_for_a_mask_s(route):
    model, x = single(), batch()
    for module in model.modules():
        module.register_forward_pre_hook(Watcher())
        module.register_forward_hook(Watcher())
    with gm.GradientMask(1.0, route=route).attach(model):
        masked = gradients(model, x)
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        assert close(gradients(model, x, compiled), masked)
        for module in model.modules():
            for hooks in (module._forward_pre_hooks, module._forward_hooks):
                # Compilers before PyTorch 2.14 read the one and call by the other.
                assert list(dict.keys(hooks)) == list(hooks)
