"""Inputs on which masked gradients could be wrong in silence: right, or refused.

The oracle is plain autograd with the mask applied by hand, in float64.
"""

import copy
import types
from collections import UserDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from support import byhand
from support.networks import bare_net, batch, hooks, loss, plain_net
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.utils import parametrize

import gradmask as gm
from gradmask.quality import per_sample_gradients
from gradmask.saliency import lateral_saliency

SIGNAL = gm.GradientMask(1.0, size=5)
WEIGHTS = gm.GradientMask(1.0, size=5, route="weights")
UNPROJECTED = gm.GradientMask(1.0, size=5, route="weights", project=False)


def step(model, x):
    model.zero_grad(set_to_none=True)
    loss(byhand.output_of(model(x))).backward()


def seeded(*layers):
    torch.manual_seed(1)
    for layer in layers:
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return nn.Sequential(*layers).double()


# Channels that come last inside of a block


class Block(nn.Module):
    """ConvNeXt's block, all in one module."""

    def __init__(self, act="linear"):
        super().__init__()
        torch.manual_seed(1)
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.dwconv = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.norm = nn.LayerNorm(4)
        self.pwconv1 = nn.Linear(4, 16)
        self.act = nn.GELU()
        self.pwconv2 = nn.Linear(16, 4)
        self.relu = nn.ReLU()
        self.kind = act

    def forward(self, x):
        h = self.relu(self.stem(x))
        y = self.dwconv(h).permute(0, 2, 3, 1)
        if self.kind == "linear":
            y = self.pwconv2(self.act(self.pwconv1(self.norm(y))))
        elif self.kind == "gated":
            a, b = self.pwconv1(y).split((12, 4), -1)
            y = self.act(b) * a[..., :4]
        elif self.kind == "permuted":
            y = self.act(y)
        elif self.kind == "transposed":
            y = self.act(self.dwconv(h).transpose(1, -1)).transpose(1, -1)
            return h + y
        elif self.kind == "there and back":
            y = self.pwconv1(y)[..., :4].permute(0, 3, 1, 2)
            return h + self.act(y)
        return h + y.permute(0, 3, 1, 2)


LAST = ["linear", "gated", "permuted", "transposed"]


@pytest.mark.parametrize("kind", [*LAST, "there and back"])
def test_activations_on_channels_that_come_last_are_skipped_with_a_reason(kind):
    model, x = Block(kind).double(), batch()
    masked = ["relu"] if kind in LAST else ["relu", "act"]
    with SIGNAL.attach(model) as handle:
        step(model, x)
        assert set(handle.sites) == set(masked)
        if kind in LAST:
            assert "channels come last" in handle.skipped["act"]
            assert "skipped act: " in repr(handle)
    assert byhand.off(model, byhand.signal(model, masked, x)) < 1e-9


@pytest.mark.parametrize("kind", ["linear", "permuted"])
@pytest.mark.parametrize("eager_first", [True, False])
def test_compiled_code_keeps_no_record_but_shapes_or_an_eager_pass_tell(
    kind, eager_first
):
    torch.compiler.reset()
    model, x = Block(kind).double(), batch()
    with SIGNAL.attach(model) as handle:
        if eager_first:
            model(x)
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        for _ in range(2):
            model.zero_grad()
            loss(compiled(x)).backward()
        assert "channels come last" in handle.skipped["act"]
    torch.compiler.reset()
    assert byhand.off(model, byhand.signal(model, ["relu"], x)) < 1e-9


def test_compiled_code_that_cannot_know_its_channels_is_refused():
    torch.compiler.reset()
    model = nn.Module()
    model.fc = nn.Linear(4, 12)
    model.relu = nn.ReLU()
    model.conv = nn.Conv2d(2, 4, 3, padding=1)
    model.forward = lambda x: model.relu(model.conv(x))
    with SIGNAL.attach(model):
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        # The compiler of PyTorch 2.6 keeps the reason to itself.
        silent = torch.__version__ < (2, 7)
        why = "Observed exception" if silent else r"relu \(ReLU\) may stand where"
        with pytest.raises(RuntimeError, match=why):
            compiled(batch().float())
        model(batch().float())
        compiled(batch().float())
    torch.compiler.reset()


def test_an_activation_shared_by_maps_and_vectors_is_masked_on_maps():
    model = bare_net()
    model[5] = model[2]
    model = nn.Sequential(*model[:7], nn.Linear(576, 3).double(), model[2])
    x = batch()
    with SIGNAL.attach(model) as handle:
        model(x)
        assert handle.sites == ("2",)
        step(model, x)
        assert handle.sites == ("2",)
        compiled = torch.compile(model, backend="aot_eager")
        eager = [p.grad.clone() for p in model.parameters()]
        model.zero_grad()
        loss(compiled(x)).backward()
    torch.compiler.reset()
    for g, p in zip(eager, model.parameters(), strict=True):
        assert torch.allclose(g, p.grad)


def test_saliency_leaves_out_channels_that_come_last():
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Block()

        def forward(self, x):
            return self.block(x).mean((2, 3))

    model, x = Classifier().double(), batch()
    kernel = gm.laplacian_of_gaussian(1.0, size=3)
    alone = lateral_saliency(model, x, kernel=kernel, layers="block.relu")
    assert lateral_saliency(model, x, kernel=kernel).equal(alone)


# Which normalisation follows which convolution


class Scale(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.way = way
        self.w = nn.Parameter(torch.linspace(0.5, 1.5, 4).view(-1, 1, 1))

    def forward(self, z):
        if self.way == "mul":
            z *= self.w
        elif self.way == "add":
            z.add_(self.w * torch.linspace(0, 1, z.shape[-1]).to(z))
        elif self.way == "view":
            z[:, :2].mul_(2.0)
        elif self.way == "relu":
            F.relu_(z)
        return z


BETWEEN = {
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky": lambda: nn.LeakyReLU(inplace=True),
    "hardswish": lambda: nn.Hardswish(inplace=True),
    "elu": lambda: nn.ELU(inplace=True),
    "mul": lambda: Scale("mul"),
    "add": lambda: Scale("add"),
    "view": lambda: Scale("view"),
    "functional": lambda: Scale("relu"),
    "silu": nn.SiLU,
}


@pytest.mark.parametrize("between", BETWEEN)
def test_a_convolution_is_not_projected_by_a_normalisation_behind_something_in_place(
    between,
):
    model, x = (
        seeded(nn.Conv2d(2, 4, 3), BETWEEN[between](), nn.BatchNorm2d(4), nn.SiLU()),
        batch(),
    )
    with WEIGHTS.attach(model) as handle:
        step(model, x)
        assert "0: Conv2d, not projected" in repr(handle)
    assert byhand.off(model, byhand.weights(model, ["0"], x, projected={})) < 1e-9


def test_dropout_in_place_between_is_no_neighbour():
    model = seeded(nn.Conv2d(2, 4, 3), nn.Dropout(0.5, True), nn.BatchNorm2d(4))
    measured = []
    for inhibition in (WEIGHTS, UNPROJECTED):
        torch.manual_seed(0)
        with inhibition.attach(model):
            step(model, batch())
        measured.append(model[0].weight.grad)
    assert measured[0].equal(measured[1])


@pytest.mark.parametrize("first", [True, False])
def test_each_handle_keeps_its_own_setting(first):
    model, x = plain_net(), batch()
    if first:
        handles = UNPROJECTED.attach(model, ["0"]), WEIGHTS.attach(model, ["3"])
    else:
        handles = WEIGHTS.attach(model, ["3"]), UNPROJECTED.attach(model, ["0"])
    with handles[0], handles[1]:
        step(model, x)
    expected = byhand.weights(model, ["0", "3"], x, projected={"3": None})
    assert byhand.off(model, expected) < 1e-9


class Profiler(torch.utils._python_dispatch.TorchDispatchMode):
    def __torch_dispatch__(self, function, kinds, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


def seen_by(observer, model):
    def nothing(*args):
        return None

    def watch(module, args, output):
        output.register_hook(nothing)

    def retain(module, args, output):
        output.retain_grad()

    for module in model.modules():
        if observer == "backward":
            module.register_full_backward_hook(nothing)
        elif observer == "backward pre":
            module.register_full_backward_pre_hook(nothing)
        elif observer == "forward":
            module.register_forward_hook(nothing)
        elif observer == "forward pre":
            module.register_forward_pre_hook(nothing)
        elif observer == "tensor":
            module.register_forward_hook(
                lambda m, a, o: o.register_hook(nothing) and None
            )
        elif observer == "same":
            module.register_forward_hook(lambda m, a, o: o)
        elif observer == "alias":
            module.register_forward_hook(lambda m, a, o: o.view_as(o))
        elif observer == "clone":
            module.register_forward_hook(lambda m, a, o: o.clone())
        elif observer == "retain":
            module.register_forward_hook(retain)


OBSERVERS = [
    "backward", "backward pre", "forward", "forward pre", "tensor", "same", "alias",
    "clone", "retain",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("observer", OBSERVERS)
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("inhibition", [SIGNAL, WEIGHTS], ids=["signal", "weights"])
def test_a_passive_observer_changes_nothing(observer, before, inhibition):
    model, x = plain_net(), batch()
    signal = inhibition is SIGNAL
    by_hand = byhand.signal if signal else byhand.weights
    expected = by_hand(model, ["2", "5"] if signal else ["0", "3"], x)
    if before:
        seen_by(observer, model)
    with inhibition.attach(model):
        if not before:
            seen_by(observer, model)
        step(model, x)
    assert byhand.off(model, expected) < 1e-9


@pytest.mark.parametrize("inhibition", [SIGNAL, WEIGHTS], ids=["signal", "weights"])
@pytest.mark.parametrize(
    "around",
    [
        lambda: torch.profiler.profile(),
        lambda: torch.autograd.profiler.record_function("step"),
        lambda: torch.autograd.graph.save_on_cpu(),
        lambda: torch.autograd.detect_anomaly(check_nan=True),
        Profiler,
    ],
    ids=["profile", "record", "offload", "anomaly", "dispatch"],
)
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_profilers_change_nothing(around, inhibition):
    model, x = plain_net(), batch()
    signal = inhibition is SIGNAL
    by_hand = byhand.signal if signal else byhand.weights
    expected = by_hand(model, ["2", "5"] if signal else ["0", "3"], x)
    with inhibition.attach(model), around():
        step(model, x)
    assert byhand.off(model, expected) < 1e-9


@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("dry", [True, False])
def test_lazy_layers_are_projected(norm, dry):
    lazy = {"batch": nn.LazyBatchNorm2d, "instance": nn.LazyInstanceNorm2d}[norm]
    model, x = nn.Sequential(nn.LazyConv2d(4, 3), lazy(), nn.SiLU()).double(), batch()
    torch.manual_seed(1)
    with WEIGHTS.attach(model) as handle:
        if dry:
            with torch.no_grad():
                model(x)
        step(model, x)
        assert "0: Conv2d, projected by 1" in repr(handle)
    assert byhand.off(model, byhand.weights(model, ["0"], x)) < 1e-9


class Readers(nn.Module):
    """A convolution whose output a normalisation and perhaps another reads."""

    def __init__(self, way):
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.again = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.other = nn.BatchNorm2d(4)
        self.way = way
        self.kept = None

    def forward(self, x):
        z = self.conv(x)
        if self.way == "branch":
            return self.norm(z).sigmoid() + z.sin()
        if self.way == "branch first":
            return z.sin() + self.norm(z).sigmoid()
        if self.way == "two norms":
            return self.norm(z).sigmoid() + self.other(z).tanh()
        if self.way == "kept":
            self.kept = z
            return self.norm(z).sigmoid()
        if self.way == "keyword":
            return self.norm(input=z).sigmoid()
        if self.way == "reused":
            h = self.norm(self.again(z)).sigmoid()
            return self.again(h).sin()
        return F.batch_norm(z, None, None, training=True).sigmoid()


@pytest.mark.parametrize(
    ("way", "projected"),
    [
        ("branch", {}),
        ("branch first", {}),
        ("functional", {}),
        ("keyword", {"conv": None}),
    ],
)
def test_only_a_normalisation_that_reads_alone_projects(way, projected):
    model, x = Readers(way).double(), batch()
    with WEIGHTS.attach(model, "conv") as handle:
        for _ in range(2):
            step(model, x)
        named = (
            "conv: Conv2d, projected" if projected else "conv: Conv2d, not projected"
        )
        assert named in repr(handle)
    expected = byhand.weights(model, ["conv"], x, projected=projected)
    model.zero_grad()
    with WEIGHTS.attach(model, "conv"):
        step(model, x)
    for name in ("weight", "bias"):
        g = expected[f"conv.{name}"]
        assert torch.allclose(getattr(model.conv, name).grad, g, 1e-9, 1e-12)


def test_a_reader_outside_of_the_network_is_noticed():
    model, x = Readers("kept").double(), batch()
    measured = []
    for inhibition in (WEIGHTS, UNPROJECTED):
        with inhibition.attach(model, "conv"):
            model.zero_grad()
            (loss(model(x)) + model.kept.sin().sum()).backward()
        measured.append(model.conv.weight.grad)
    assert measured[0].equal(measured[1])


def test_a_convolution_used_twice_is_projected_where_it_is_normalised():
    model, x = Readers("reused").double(), batch()
    with WEIGHTS.attach(model, "again"):
        step(model, x)
    # by hand, one use after the other
    z1 = model.again(model.conv(x))
    a2 = model.norm(z1).sigmoid()
    z2 = model.again(a2)
    d1, d2 = torch.autograd.grad(loss(z2.sin()), (z1, z2))
    d1, d2 = (d * byhand.oracle_mask(d) for d in (d1, d2))
    d1 = torch.from_numpy(byhand.oracle.projected(d1.numpy(), z1.detach().numpy()))
    parts = []
    for a, d in ((model.conv(x).detach(), d1), (a2.detach(), d2)):
        z = byhand.plain(model.again, a)
        parts.append(torch.autograd.grad(z, model.again.weight, d)[0])
    assert torch.allclose(model.again.weight.grad, sum(parts), 1e-9, 1e-12)


class Scaled(nn.BatchNorm2d):
    """Named as a normalisation, and none."""

    def forward(self, z):
        return z * self.weight.view(-1, 1, 1)


class WithActivation(nn.BatchNorm2d):
    def forward(self, z):
        return super().forward(z).sigmoid()


@pytest.mark.parametrize("kind", [Scaled, WithActivation])
def test_a_subclass_projects_only_if_it_normalises(kind):
    model, x = seeded(nn.Conv2d(2, 4, 3), kind(4), nn.SiLU()), batch()
    with WEIGHTS.attach(model) as handle:
        step(model, x)
        assert ("own way" in repr(handle)) == (kind is Scaled)
    projected = {} if kind is Scaled else {"0": None}
    expected = byhand.weights(model, ["0"], x, projected=projected)
    assert byhand.off(model, expected) < 1e-9


def test_an_error_that_is_not_finite_decides_nothing():
    model, x = plain_net(), batch()
    with WEIGHTS.attach(model) as handle:
        (loss(model(x)) * float("inf")).backward()
        assert "only reader" not in repr(handle)
        step(model, x)
        assert "0: Conv2d, projected by 1" in repr(handle)
    assert byhand.off(model, byhand.weights(model, ["0", "3"], x)) < 1e-9


class Twice(nn.Module):
    """A convolution used twice, its normalisation alone in one of the uses."""

    def __init__(self, crowded):
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(2)
        self.crowded = crowded

    def forward(self, x, runs=None):
        for i in range(2):
            z = self.conv(x)
            if runs is not None:
                runs.append((x.detach(), z))
            x = self.norm(z).sigmoid()
            if i == self.crowded:
                x = x + z.sin()
        return x


@pytest.mark.parametrize("crowded", [0, 1])
def test_of_two_uses_the_one_that_reads_alone_is_projected(crowded):
    model, x, runs = Twice(crowded).double(), batch(), []
    with WEIGHTS.attach(model):
        for _ in range(3):
            step(model, x)
    deltas = torch.autograd.grad(loss(model(x, runs)), [z for _, z in runs])
    expected = 0
    for i, ((a, z), d) in enumerate(zip(runs, deltas, strict=True)):
        d = d * byhand.oracle_mask(d)
        if i != crowded:
            d = byhand.oracle.projected(d.numpy(), z.detach().numpy())
            d = torch.from_numpy(d)
        out = byhand.plain(model.conv, a)
        expected = expected + torch.autograd.grad(out, model.conv.weight, d)[0]
    assert torch.allclose(model.conv.weight.grad, expected, 1e-9, 1e-12)


# Convolutions that compute in their own way


def circular(self, x, weight, bias):
    return F.conv2d(F.pad(x, (1,) * 4, "circular"), weight, bias)


def doubled(self, x):
    return 2 * nn.functional.conv2d(x, self.weight, self.bias, padding=self.padding)


class Subclass(nn.Conv2d):
    def _conv_forward(self, x, weight, bias):
        return circular(self, x, weight, bias)


class Property(nn.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.kernel = nn.Parameter(self._parameters.pop("weight").detach())

    @property
    def weight(self):
        return F.dropout(self.kernel, 0.5)


@pytest.mark.parametrize("way", ["_conv_forward", "forward", "lambda", "subclass"])
@pytest.mark.parametrize("by_name", [True, False])
def test_a_patched_convolution_is_refused(way, by_name):
    model = bare_net()
    if way == "_conv_forward":
        model[0]._conv_forward = types.MethodType(circular, model[0])
    elif way == "forward":
        model[0].forward = types.MethodType(doubled, model[0])
    elif way == "lambda":
        conv = model[0]
        conv.forward = lambda x: circular(conv, x, conv.weight, conv.bias)
    else:
        model[0] = Subclass(2, 4, 3, padding=1).double()
    if by_name:
        with pytest.raises(ValueError, match="in its own way"):
            WEIGHTS.attach(model, "0")
    else:
        with WEIGHTS.attach(model) as handle:
            assert handle.sites == ("3",)
            assert "computes its convolution in its own way" in handle.skipped["0"]


@pytest.mark.parametrize("way", ["instance", "class", "hook", "global"])
def test_what_is_patched_behind_our_back_is_refused_by_name(way, monkeypatch, request):
    model, x = bare_net(), batch()
    handle = WEIGHTS.attach(model)
    if way == "instance":
        model[3]._conv_forward = types.MethodType(circular, model[3])
    elif way == "class":
        monkeypatch.setattr(nn.Conv2d, "_conv_forward", circular)
    elif way == "hook":
        step(model, x)
        model[0].register_forward_hook(lambda m, args, z: 2 * z, prepend=True)
    else:
        step(model, x)
        other = nn.modules.module.register_module_forward_hook(
            lambda m, args, z: 2 * z if m is model[3] else None
        )
        request.addfinalizer(other.remove)
    with pytest.raises(RuntimeError, match=r"Conv2d\) cannot be masked"):
        step(model, x)
    handle.remove()
    assert hooks(model) == (1 if way == "hook" else 0)


class DropConnect(nn.Module):
    def forward(self, weight):
        return F.dropout(weight, 0.5, self.training)


class Noise(nn.Module):
    generator = torch.Generator()

    def forward(self, weight):
        return weight + torch.randn(weight.shape, generator=self.generator).to(weight)


@pytest.mark.parametrize("parametrisation", [DropConnect, Noise])
@pytest.mark.parametrize("name", ["weight", "bias"])
@pytest.mark.parametrize("evaluated", [True, False])
def test_parameters_drawn_at_random_are_refused(parametrisation, name, evaluated):
    model = bare_net()
    parametrize.register_parametrization(model[0], name, parametrisation())
    model.train(not evaluated)
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match=f"{name} draws at random"):
        WEIGHTS.attach(model, "0")
    assert torch.get_rng_state().equal(state)
    assert model[0].training != evaluated
    with WEIGHTS.attach(model) as handle:
        assert handle.sites == ("3",)


def test_a_weight_that_a_property_draws_is_refused():
    model = seeded(Property(2, 4, 3), nn.SiLU())
    with pytest.raises(ValueError, match="weight draws at random"):
        WEIGHTS.attach(model, "0")


def test_a_parametrisation_registered_later_is_refused():
    model, x = bare_net(), batch()
    with WEIGHTS.attach(model):
        parametrize.register_parametrization(model[0], "weight", DropConnect())
        with pytest.raises(RuntimeError, match="draws at random"):
            step(model, x)


# The guard


class Plain:
    def __init__(self, x):
        self.image = x


class Slots:
    __slots__ = ("image",)

    def __init__(self, x):
        self.image = x


@dataclass
class Data:
    image: torch.Tensor


class Mapping(dict):
    pass


Named = namedtuple("Named", "image")


class Dots(nn.Module):
    """Takes its input from any holder."""

    def __init__(self):
        super().__init__()
        self.net = bare_net()

    def forward(self, holder):
        if isinstance(holder, dict | UserDict):
            return self.net(holder["image"])
        if hasattr(holder, "image"):
            return self.net(holder.image)
        if callable(holder):
            return self.net(holder())
        return self.net(next(iter(holder)))


HOLDERS = {
    "object": Plain,
    "slots": Slots,
    "dataclass": Data,
    "dict subclass": lambda x: Mapping(image=x),
    "user dict": lambda x: UserDict(image=x),
    "named tuple": Named,
    "generator": lambda x: (t for t in [x]),
    "closure": lambda x: lambda: x,
    "computed": lambda x: lambda: (x + 1).clamp(-9, 9),
    "set": lambda x: {x},
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_the_guard_sees_an_input_in_any_holder(holder):
    model, x = Dots(), batch().requires_grad_()
    true = torch.autograd.grad(loss(model(HOLDERS[holder](x))), x)[0]
    with SIGNAL.attach(model) as handle:
        with pytest.raises(RuntimeError, match="input requires grad"):
            model(HOLDERS[holder](x))
        with handle.paused():
            g = torch.autograd.grad(loss(model(HOLDERS[holder](x))), x)[0]
        assert g.equal(true)
        loss(model(HOLDERS[holder](x.detach()))).backward()
        model.eval()
        assert torch.autograd.grad(loss(model(HOLDERS[holder](x))), x)[0].equal(true)
        model.train()
    with SIGNAL.attach(model, allow_input_grad=True):
        loss(model(HOLDERS[holder](x))).backward()


def test_the_guard_sees_what_compiled_code_is_handed_in_an_object():
    torch.compiler.reset()
    model, x = Dots(), batch()
    with SIGNAL.attach(model):
        compiled = torch.compile(model, backend="aot_eager")
        loss(compiled(Plain(x))).backward()
        with pytest.raises(RuntimeError, match="input requires grad"):
            compiled(Plain(x.clone().requires_grad_()))
        with pytest.raises(RuntimeError, match="input requires grad"):
            compiled(Data(x.clone().requires_grad_()))
    torch.compiler.reset()


def test_the_guard_sees_a_pass_that_enters_a_part_and_an_attribute():
    model, x = Dots(), batch()
    patch = nn.Parameter(torch.zeros_like(x))
    with SIGNAL.attach(model):
        with pytest.raises(RuntimeError, match="input requires grad"):
            model.net(x + patch)
        with pytest.raises(RuntimeError, match="input requires grad"):
            torch.func.grad(lambda x: loss(model(Plain(x))))(x)
        with pytest.raises(RuntimeError, match="input requires grad"):
            torch.func.grad(
                lambda x: torch.vmap(lambda s: model(Plain(s[None])))(x).sum()
            )(x)


@pytest.mark.parametrize("way", ["grad", "backward", "below"])
def test_a_gradient_by_a_feature_map_is_refused(way):
    """What Grad-CAM asks for; the weights route and a paused mask answer truly."""
    model, x, kept = bare_net(), batch(), []
    model[1 if way == "below" else 3].register_forward_hook(
        lambda module, args, output: kept.append(output)
    )

    def by_map():
        value = loss(model(x))
        if way == "backward":
            kept[-1].retain_grad()
            return value.backward(inputs=[kept[-1]])
        return torch.autograd.grad(value, kept[-1])

    with SIGNAL.attach(model) as handle:
        with pytest.raises(RuntimeError, match="gradient by a feature map"):
            by_map()
        with handle.paused():
            by_map()
        step(model, x)
        torch.autograd.grad(loss(model(x)), list(model.parameters()))
        torch.autograd.grad(loss(model(x)), model[0].weight)
    with SIGNAL.attach(model, allow_input_grad=True):
        by_map()
    with WEIGHTS.attach(model):
        by_map()


def test_captums_grad_cam_is_refused_in_train_mode():
    attr = pytest.importorskip("captum.attr")
    model, x = bare_net(), batch()
    cam = attr.LayerGradCam(model, model[0])
    with SIGNAL.attach(model):
        with pytest.raises(RuntimeError, match="gradient by a feature map"):
            cam.attribute(x, target=0)
        model.eval()
        cam.attribute(x, target=0)


def test_fast_weights_of_meta_learning_are_no_input():
    model, x = bare_net(), batch()

    def adapted(model):
        names, parameters = zip(*model.named_parameters(), strict=True)
        first = torch.autograd.grad(loss(model(x)), parameters, create_graph=True)
        fast = [p - 1e-6 * g for p, g in zip(parameters, first, strict=True)]
        outside = [p.detach().clone().requires_grad_() for p in parameters]
        for weights in (fast, outside):
            new = dict(zip(names, weights, strict=True))
            loss(torch.func.functional_call(model, new, (x,))).backward()

    with SIGNAL.attach(model):
        adapted(model)


# Networks that are converted later


def test_modules_exchanged_after_attaching_are_noticed_and_said():
    model, x = plain_net(), batch()
    for inhibition in (SIGNAL, WEIGHTS):
        net = copy.deepcopy(model)
        handle = inhibition.attach(net)
        converted = nn.SyncBatchNorm.convert_sync_batchnorm(net)
        with pytest.raises(RuntimeError, match=r"'1' was a BatchNorm2d and is a Sync"):
            step(converted, x)
        handle.remove()
        assert hooks(net) == hooks(converted) == 0
        step(net.eval(), x)


def test_a_compiled_network_notices_a_conversion():
    torch.compiler.reset()
    model, x = plain_net(), batch()
    with WEIGHTS.attach(model):
        nn.SyncBatchNorm.convert_sync_batchnorm(model)
        compiled = torch.compile(model, backend="aot_eager")
        with pytest.raises(RuntimeError, match="exchanged after a GradientMask"):
            compiled(x)
    torch.compiler.reset()


@pytest.mark.filterwarnings("ignore")
def test_preparing_for_quantisation_is_noticed_and_leaves_no_hook():
    for inhibition in (SIGNAL, WEIGHTS):
        net = plain_net(dtype=torch.float32)
        handle = inhibition.attach(net)
        net.qconfig = torch.ao.quantization.get_default_qat_qconfig("fbgemm")
        torch.ao.quantization.prepare_qat(net, inplace=True)
        others = hooks(net)
        with pytest.raises(RuntimeError, match="after a GradientMask was attached"):
            step(net, batch(dtype=torch.float32))
        handle.remove()
        ours = [
            h
            for m in net.modules()
            for h in (*m._forward_hooks.values(), *m._forward_pre_hooks.values())
            if type(h).__module__.startswith("gradmask")
        ]
        assert not ours
        assert hooks(net) < others
        step(net, batch(dtype=torch.float32))


def test_a_new_convolution_is_said_and_a_new_read_out_is_not():
    model, x = plain_net(), batch()
    with WEIGHTS.attach(model):
        model[7] = nn.Linear(576, 2).double()
        step(model, x)
        model[3] = nn.Conv2d(4, 4, 3, padding=1).double()
        with pytest.raises(RuntimeError, match="'3' was a Conv2d and is a Conv2d"):
            step(model, x)
        with pytest.raises(RuntimeError, match="call remove"):
            step(model, x)


# Maps that are not two-dimensional


def test_networks_on_volumes_are_refused():
    model = nn.Sequential(nn.Conv3d(1, 2, 3), nn.ReLU())
    for inhibition, layers in ((SIGNAL, None), (SIGNAL, nn.ReLU), (SIGNAL, nn.Conv3d)):
        with pytest.raises(ValueError, match=r"Conv3d.* only"):
            inhibition.attach(model, layers)
    assert hooks(model) == 0


def test_a_site_on_volumes_is_skipped_with_a_reason():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.volume = nn.Sequential(nn.Conv3d(1, 2, 3), nn.ReLU())
            self.flat = nn.Sequential(nn.Conv2d(2, 2, 3), nn.ReLU())

        def forward(self, x):
            return self.flat(self.volume(x).mean(2))

    model = Mixed()
    with SIGNAL.attach(model) as handle:
        step(model, torch.randn(2, 1, 5, 12, 12))
        assert handle.sites == ("flat.1",)
        assert "5 dimensions" in handle.skipped["volume.1"]


def test_a_site_that_never_masks_is_mentioned():
    model, x = bare_net(), batch(side=12)
    wide = gm.GradientMask(3.0, size=13)
    with wide.attach(model) as handle:
        step(model, x)
        assert "2: ReLU, nothing masked yet: its maps of 12x12" in repr(handle)
    with SIGNAL.attach(model) as handle:
        step(model, x)
        assert "nothing masked" not in repr(handle)


# Per-sample gradients of networks with a state


@pytest.mark.filterwarnings("ignore:.*spectral_norm.*")
@pytest.mark.parametrize(
    "norm", [nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm]
)
def test_every_chunk_begins_in_the_same_state(norm):
    torch.manual_seed(1)
    model = nn.Sequential(norm(nn.Conv2d(2, 4, 3)), nn.Flatten(), nn.Linear(400, 3))
    model, x, y = model.double(), batch(), torch.arange(4) % 3
    before = copy.deepcopy(model.state_dict())
    first, *others = (
        per_sample_gradients(model, F.cross_entropy, x, y, chunk_size=n)
        for n in (1, 2, 3, 4)
    )
    for name in first:
        assert all(torch.allclose(first[name], other[name]) for other in others)
    for i in range(4):
        assert all(t.equal(before[name]) for name, t in model.state_dict().items())
        model.zero_grad()
        F.cross_entropy(model(x[i : i + 1]), y[i : i + 1]).backward()
        for name, p in model.named_parameters():
            assert torch.allclose(first[name][i], p.grad)
        model.load_state_dict(before)


# Crashes


@pytest.mark.parametrize("inhibition", [SIGNAL, WEIGHTS, gm.GradientMask.from_theory()])
def test_an_empty_batch_passes(inhibition):
    model = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1))
    with inhibition.attach(model):
        model(torch.randn(0, 4, 14, 14)).sum().backward()
        assert all(p.grad.eq(0).all() for p in model.parameters())
        step(model, torch.randn(2, 4, 14, 14))
        assert any(p.grad.ne(0).any() for p in model.parameters())


def masked_by_fakes(inhibition):
    with FakeTensorMode():
        model = nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1, dtype=torch.float64),
            nn.BatchNorm2d(4, dtype=torch.float64),
            nn.ReLU(),
        )
        with inhibition.attach(model):
            model(torch.randn(4, 2, 12, 12, dtype=torch.float64)).sum().backward()


@pytest.mark.parametrize("inhibition", [SIGNAL, WEIGHTS, gm.GradientMask.from_theory()])
def test_a_masked_pass_of_fake_tensors_leaves_nothing(inhibition):
    inhibition = gm.GradientMask(
        1.2345, size=5, route=inhibition.route, energy=inhibition.energy
    )
    model, x = plain_net(), batch()
    masked_by_fakes(inhibition)
    with inhibition.attach(model):
        step(model, x)
    assert all(p.grad.isfinite().all() for p in model.parameters())
    masked_by_fakes(inhibition)


@pytest.mark.parametrize("inhibition", [SIGNAL, WEIGHTS, gm.GradientMask.from_theory()])
def test_a_network_on_the_meta_device_runs(inhibition):
    model = plain_net().to("meta")
    with inhibition.attach(model):
        step(model, torch.randn(4, 2, 12, 12, dtype=torch.float64, device="meta"))
    assert all(p.grad.is_meta for p in model.parameters())


# Messages


def test_a_scripted_network_is_refused_by_name():
    model = torch.jit.script(bare_net())
    for inhibition in (SIGNAL, WEIGHTS):
        with pytest.raises(TypeError, match=r"torch\.jit\.script"):
            inhibition.attach(model)


def test_a_module_given_as_layer_is_answered_with_its_name():
    model = plain_net()
    for wrong in (model[2], [model[2]], (model[2],)):
        with pytest.raises(TypeError, match=r"pass names.*(?s:.)*layers=\['2'\]"):
            SIGNAL.attach(model, wrong)


def test_checkpoints_under_torch_func_are_named():
    from torch.utils.checkpoint import checkpoint

    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = bare_net()

        def forward(self, x):
            return checkpoint(self.net, x, use_reentrant=False)

    with pytest.raises(RuntimeError) as error:
        per_sample_gradients(
            Checkpointed(), F.cross_entropy, batch(), torch.arange(4) % 3
        )
    assert any("checkpoint" in note for note in error.value.__notes__)
