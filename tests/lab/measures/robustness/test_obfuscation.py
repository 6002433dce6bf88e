"""The checks pass an honest network and catch networks that hide their gradient."""

import pytest
import torch
from torch import nn

import gradmask as gm
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.measures.robustness.obfuscation import Obfuscation, check_gradients
from gradmask.lab.networks.small import small_cnn
from gradmask.lab.training.loop import finish, train

EPSILON = 0.05


@pytest.fixture(scope="module")
def split():
    data = load_fashion_mnist()
    return data.train[:1000], data.test[:60]


@pytest.fixture(scope="module")
def networks(split):
    """Two networks of different seeds, honestly trained."""
    models = [small_cnn(widths=(4, 6, 8), seed=seed) for seed in (0, 1)]
    for seed, model in enumerate(models):
        finish(train(model, split[0], epochs=8, seed=seed))
    return models


@pytest.fixture(scope="module")
def honest(networks, split):
    return checked(*networks, split[1])


def checked(model, surrogate, test, **options):
    options = {"queries": 200, "generator": torch.Generator().manual_seed(0)} | options
    asked = (test.images, test.labels, EPSILON)
    return check_gradients(model, *asked, surrogate=surrogate, **options)


class Steep(nn.Module):
    """Logits so large that the softmax saturates and its gradient underflows."""

    def forward(self, logits):
        return 1000 * logits


class Levels(nn.Module):
    """A staircase: flat almost everywhere."""

    def forward(self, x):
        return (x * 32).round() / 32


class Shattered(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        generator = torch.Generator().manual_seed(0)
        return torch.randn(gradient.shape, generator=generator)


class Noise(nn.Module):
    """Forwards as it is, backwards noise."""

    def forward(self, x):
        return Shattered.apply(x)


def test_an_honest_network_passes(networks, split, honest):
    assert honest.passed, honest
    assert all(honest.verdicts.values())
    clean = evaluate(networks[0], split[1]).accuracy
    assert 0.1 < honest.white_box < clean - 0.1
    assert honest.white_box < honest.black_box < clean
    assert honest.white_box < honest.transfer < clean
    assert honest.unbounded == 0
    assert honest.chance == 0.1


def test_a_network_trained_with_a_mask_passes_while_it_is_attached(networks, split):
    model = small_cnn(widths=(4, 6, 8), seed=2)
    mask = gm.GradientMask(1.0, size=5)
    finish(train(model, split[0], epochs=8, seed=2, inhibition=mask))
    with mask.attach(model.train()):
        found = checked(model, networks[1], split[1])
    assert found.passed, found


@pytest.mark.parametrize(
    ("hide", "gives_itself_away"),
    [
        (
            lambda model: nn.Sequential(model, Steep()),
            {
                "gradients are not zero",
                "an unbounded attack leaves less than chance",
            },
        ),
        (
            lambda model: nn.Sequential(Levels(), model),
            {
                "gradients are not zero",
                "an unbounded attack leaves less than chance",
            },
        ),
        (lambda model: nn.Sequential(Noise(), model), set()),
    ],
    ids=["saturated", "staircase", "shattered"],
)
def test_a_network_that_hides_its_gradient_is_caught(
    networks, split, honest, hide, gives_itself_away
):
    exposed = networks[0]
    found = checked(hide(exposed), exposed, split[1])
    assert not found.passed
    assert found.white_box > honest.white_box + 0.1
    failed = {name for name, passed in found.verdicts.items() if not passed}
    assert failed >= gives_itself_away | {
        "another network's gradients are not stronger",
        "a search without gradients is not stronger",
    }


HONEST = Obfuscation(
    white_box=0.3,
    more_steps=0.3,
    single_step=0.4,
    transfer=0.6,
    black_box=0.5,
    unbounded=0.0,
    chance=0.1,
    zero_gradients=0.0,
    tolerance=0.02,
)


@pytest.mark.parametrize(
    ("name", "number", "fine", "suspicious"),
    [
        ("more steps do not help the network", "more_steps", 0.315, 0.33),
        ("a single step is not stronger than many", "single_step", 0.285, 0.27),
        ("another network's gradients are not stronger", "transfer", 0.285, 0.27),
        ("a search without gradients is not stronger", "black_box", 0.285, 0.27),
        ("an unbounded attack leaves less than chance", "unbounded", 0.09, 0.1),
        ("gradients are not zero", "zero_gradients", 0.015, 0.03),
    ],
)
def test_each_check_fails_by_its_own_number(name, number, fine, suspicious):
    assert HONEST.passed
    assert HONEST._replace(**{number: fine}).passed
    found = HONEST._replace(**{number: suspicious})
    assert [check for check, passed in found.verdicts.items() if not passed] == [name]
    assert not found.passed


def test_the_network_is_left_as_it_is(networks, split):
    model = networks[0].train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    few = split[1][:8]
    first = checked(model, networks[1], few, queries=3)
    assert model.training
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert first == checked(model.eval(), networks[1], few, queries=3)
