"""Where a mask attaches, what it refuses, and the guard against masked attacks."""

import pytest
import torch
from support.networks import bare_net, batch, gradients, hooks, identical, plain_net
from torch import nn

import gradmask as gm
from gradmask.masking import ACTIVATIONS

SIGNAL = gm.GradientMask(1.0)
WEIGHTS = gm.GradientMask(1.0, route="weights")


@pytest.mark.parametrize(
    ("inhibition", "layers", "sites"),
    [
        (SIGNAL, None, ("2", "5")),
        (WEIGHTS, None, ("0", "3")),
        (SIGNAL, nn.BatchNorm2d, ("1", "4")),
        (SIGNAL, (nn.BatchNorm2d, nn.ReLU), ("1", "2", "4", "5")),
        (SIGNAL, "2", ("2",)),
        (SIGNAL, ["5", "2", "5"], ("5", "2")),
        (SIGNAL, ("2", "5"), ("2", "5")),
        (SIGNAL, lambda name, m: name < "2" and name != "", ("0", "1")),
        (WEIGHTS, lambda name, m: isinstance(m, nn.Conv2d) and name != "0", ("3",)),
    ],
)
def test_layers_by_type_name_and_predicate(inhibition, layers, sites):
    with inhibition.attach(plain_net(), layers) as handle:
        assert handle.sites == sites


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_usual_activation_is_found(activation):
    model = nn.Sequential(nn.Conv2d(2, 4, 3), activation(), nn.Flatten())
    plain = gradients(model, batch().float())
    with SIGNAL.attach(model) as handle:
        assert handle.sites == ("1",)
        torch.manual_seed(0)
        assert not identical(plain, gradients(model, batch().float()))


def test_a_model_of_one_activation_is_its_own_site():
    with SIGNAL.attach(nn.ReLU(), allow_input_grad=True) as handle:
        assert handle.sites == ("",)


def test_unknown_names_are_listed_beside_the_known_ones():
    with pytest.raises(ValueError, match=r"no module named 'nine', 'ten'; it has '0'"):
        SIGNAL.attach(plain_net(), ["nine", "2", "ten"])


def test_no_match_lists_the_types_there_are():
    with pytest.raises(ValueError, match=r"BatchNorm2d, Conv2d, .*F\.relu cannot be"):
        SIGNAL.attach(plain_net(), nn.LSTM)
    with pytest.raises(ValueError, match="nothing to attach to"):
        SIGNAL.attach(plain_net(), ())
    with pytest.raises(ValueError, match="nothing to attach to"):
        SIGNAL.attach(nn.Conv2d(1, 1, 3))


@pytest.mark.parametrize("inhibition", [SIGNAL, WEIGHTS])
@pytest.mark.parametrize(
    "wrong",
    [
        lambda model: model[0],
        lambda model: [model[0]],
        lambda model: model,
        lambda model: [nn.ReLU, nn.Conv2d],
        lambda model: ["0", None],
        lambda model: (nn.ReLU, "0"),
        lambda model: b"0",
        lambda model: 0,
    ],
    ids=["module", "modules", "network", "types", "none", "mixed", "bytes", "index"],
)
def test_layers_are_names_types_or_a_predicate(inhibition, wrong):
    model = plain_net()
    with pytest.raises(TypeError, match=r"^layers: pass names, types .* predicate"):
        inhibition.attach(model, wrong(model))
    assert hooks(model) == 0


@pytest.mark.parametrize("inhibition", [SIGNAL, WEIGHTS])
def test_a_site_holds_one_mask(inhibition):
    model, x = plain_net(), batch()
    with inhibition.attach(model):
        masked = gradients(model, x)
        with pytest.raises(ValueError, match=r"attached to '[02]' already"):
            inhibition.attach(model)
        assert identical(gradients(model, x), masked)
    inhibition.attach(model).remove()


def test_two_handles_share_a_model_at_different_sites():
    model = plain_net()
    norms = SIGNAL.attach(model, nn.BatchNorm2d)
    with WEIGHTS.attach(model), SIGNAL.attach(model), norms:
        assert norms.sites == ("1", "4")


class ChannelsLast(nn.Module):
    """A perceptron over the channels, which stand last, as ConvNeXt's."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)
        self.relu = nn.ReLU()
        self.mlp = nn.Module()
        self.mlp.fc1 = nn.Linear(4, 8)
        self.mlp.act = nn.GELU()
        self.mlp.drop = nn.Dropout()
        self.mlp.act2 = nn.GELU()
        self.mlp.fc2 = nn.Linear(8, 4)
        self.block = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU())


def test_activations_behind_a_linear_layer_are_skipped_by_name():
    with SIGNAL.attach(ChannelsLast()) as handle:
        assert handle.sites == ("relu",)
        assert set(handle.skipped) == {"mlp.act", "mlp.act2", "block.2"}
        assert all("channels come last" in why for why in handle.skipped.values())
    with SIGNAL.attach(ChannelsLast(), (nn.ReLU, nn.GELU)) as handle:
        assert handle.sites == ("relu",)
    with pytest.raises(ValueError, match=r"cannot attach to 'block\.2': it follows"):
        SIGNAL.attach(ChannelsLast(), "block.2")
    with pytest.raises(ValueError, match=r"nothing to attach.*Skipped 'mlp\.act'"):
        SIGNAL.attach(ChannelsLast(), nn.GELU)


def test_registration_behind_a_classifier_is_not_mistaken_for_execution():
    model = ChannelsLast()
    model.head = nn.Linear(3, 3)
    model.late = nn.ReLU()
    with SIGNAL.attach(model) as handle:
        assert handle.sites == ("relu", "late")


class Scaled(nn.Conv2d):
    def forward(self, x):
        return 2 * super().forward(x)


class Standardised(nn.Conv2d):
    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x, weight / weight.std(), bias)


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (Scaled(2, 4, 3), "Scaled computes its convolution in its own way"),
        (Standardised(2, 4, 3), "Standardised computes its convolution in its own way"),
        (nn.ReLU(), "masks Conv2d only, not ReLU"),
        (nn.utils.parametrizations.spectral_norm(nn.Conv2d(2, 4, 3)), "keeps a state"),
    ],
)
def test_what_the_weights_route_cannot_mask_is_refused_or_skipped(layer, why):
    model = nn.Sequential(nn.Conv2d(2, 2, 1), layer)
    with pytest.raises(ValueError, match=why):
        WEIGHTS.attach(model, "1")
    with WEIGHTS.attach(model, (nn.Conv2d, nn.ReLU)) as handle:
        assert handle.sites == ("0",)
        assert why in handle.skipped["1"]


class Pair(nn.Module):
    def forward(self, x):
        return x, x


def test_a_module_without_one_output_tensor_is_named():
    model = nn.Sequential(nn.Conv2d(2, 4, 3), Pair())
    with SIGNAL.attach(model, "1"):
        model.eval()(batch().float())
        with pytest.raises(TypeError, match=r"1 \(Pair\) hands on a tuple"):
            model.train()(batch().float())


class ByKeyword(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(input=self.conv(input=x))


@pytest.mark.parametrize("inhibition", [SIGNAL, WEIGHTS])
def test_an_input_that_hooks_cannot_see_is_an_error(inhibition):
    model = ByKeyword()
    with inhibition.attach(model), pytest.raises(TypeError, match="by position"):
        model(batch().float())


class Wrapped(nn.Module):
    """Takes its input from a dictionary, as networks with several inputs do."""

    def __init__(self):
        super().__init__()
        self.net = bare_net()

    def forward(self, inputs):
        return self.net(inputs["image"])


@pytest.mark.parametrize("keyword", [False, True])
def test_an_attack_through_the_mask_is_refused(keyword):
    model, x = Wrapped(), batch().requires_grad_()
    inputs = {"image": x}

    def call():
        return model(inputs=inputs) if keyword else model(inputs)

    with SIGNAL.attach(model) as handle:
        with pytest.raises(RuntimeError, match="the input requires grad while"):
            call()
        with handle.paused():
            call()
        with torch.no_grad():
            call()
        model.eval()
        call()
        model.train()
        inputs["image"] = x.detach()
        call()
        inputs["image"] = x
    call()
    with SIGNAL.attach(model, allow_input_grad=True):
        call()
    with WEIGHTS.attach(model):
        call()


@pytest.mark.parametrize("around", ["grad", "vmap"])
def test_an_attack_by_torch_func_is_refused(around):
    model, x = bare_net(), batch()
    each = {
        "grad": lambda x: model(x).sum(),
        "vmap": lambda x: torch.vmap(lambda s: model(s[None]).sum())(x).sum(),
    }[around]
    with SIGNAL.attach(model), pytest.raises(RuntimeError, match="input requires grad"):
        torch.func.grad(each)(x)
