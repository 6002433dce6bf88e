"""Pruning against sorting by hand, and what survives fine-tuning."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import gradmask as gm
from gradmask.lab.data.images import ImageSet
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.measures.pruning import accuracy_over_sparsity, pruned_copy
from gradmask.lab.measures.robustness.attacks import fgsm
from gradmask.lab.networks.small import FAMILIES, small_cnn, small_resnet
from gradmask.lab.training.loop import finish, train

KINDS = (nn.Conv2d, nn.Linear)


def weights(model, kinds=KINDS):
    layers = (m for m in model.modules() if isinstance(m, kinds))
    return [layer.weight.detach().clone() for layer in layers]


def everything(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def images(count=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return ImageSet(
        torch.rand(count, 1, 16, 16, generator=generator),
        torch.randint(10, (count,), generator=generator),
    )


@given(sparsity=st.floats(0, 1), family=st.sampled_from(sorted(FAMILIES)))
def test_the_smallest_weights_of_the_whole_network_go(sparsity, family):
    model = FAMILIES[family](seed=0)
    before = np.concatenate([w.flatten().numpy() for w in weights(model)])
    after = np.concatenate(
        [w.flatten().numpy() for w in weights(pruned_copy(model, sparsity))]
    )
    count = round(sparsity * len(before))
    expected = before.copy()
    expected[np.argsort(np.abs(before), kind="stable")[:count]] = 0
    assert np.count_nonzero(after == 0) == count
    np.testing.assert_array_equal(np.sort(np.abs(after)), np.sort(np.abs(expected)))
    assert set(after[after != 0]) <= set(before)


@given(sparsity=st.floats(0, 1), family=st.sampled_from(sorted(FAMILIES)))
def test_the_channels_of_smallest_norm_go_in_every_convolution(sparsity, family):
    model = FAMILIES[family](seed=0)
    pairs = zip(
        weights(model, nn.Conv2d),
        weights(pruned_copy(model, sparsity, structured=True), nn.Conv2d),
        strict=True,
    )
    for before, after in pairs:
        norms = [np.sqrt(np.square(channel.numpy()).sum()) for channel in before]
        count = round(sparsity * len(before))
        for channel in np.argsort(norms)[:count]:
            before[channel] = 0
        assert torch.equal(after, before)


@pytest.mark.parametrize("structured", [False, True])
def test_all_else_is_the_same_and_the_original_is_untouched(structured):
    model = small_resnet(widths=(8, 8), seed=0)
    before = everything(model)
    pruned = pruned_copy(model, 0.5, structured=structured)
    assert all(torch.equal(before[k], v) for k, v in everything(model).items())
    touched = {
        name
        for name, value in everything(pruned).items()
        if not torch.equal(before[name], value)
    }
    kinds = nn.Conv2d if structured else KINDS
    prunable = {
        f"{name}.weight" for name, m in model.named_modules() if isinstance(m, kinds)
    }
    assert touched
    assert touched <= prunable
    assert everything(pruned).keys() == before.keys()
    assert [m.training for m in pruned.modules()] == [True] * len([*model.modules()])
    assert not any(m._forward_pre_hooks for m in pruned.modules())


@pytest.mark.parametrize("keep", [False, True])
def test_a_pruned_network_computes_what_its_zeros_say(keep):
    model = small_cnn(widths=(3, 4), seed=0)
    pruned = pruned_copy(model, 0.7, keep=keep)
    magnitudes = torch.cat([w.abs().flatten() for w in weights(model)])
    level = magnitudes.sort().values[round(0.7 * len(magnitudes)) - 1]
    with torch.no_grad():
        for layer in (m for m in model.modules() if isinstance(m, KINDS)):
            layer.weight *= layer.weight.abs() > level
    x = images(5).images
    torch.testing.assert_close(pruned(x), model(x))


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize(
    "mask",
    [None, gm.GradientMask(1.0, size=3), gm.GradientMask(1.0, size=3, route="weights")],
    ids=["plain", "signal", "weights"],
)
def test_zeros_stay_zero_while_the_copy_is_fine_tuned(structured, mask):
    model = small_resnet(widths=(8, 8), seed=0)
    kept = pruned_copy(model, 0.6, structured=structured, keep=True)
    before = weights(kept)
    options = {"epochs": 2, "batch_size": 16, "seed": 0, "inhibition": mask}
    finish(train(kept, images(), **options))
    after = weights(kept)
    for old, new in zip(before, after, strict=True):
        assert not new[old == 0].any()
    assert any(not torch.equal(*pair) for pair in zip(before, after, strict=True))

    loose = pruned_copy(model, 0.6, structured=structured)
    finish(train(loose, images(), **options))
    assert any(
        new[old == 0].any() for old, new in zip(before, weights(loose), strict=True)
    )


def test_a_fine_tuned_copy_can_be_copied_attacked_and_pruned_on():
    kept = pruned_copy(small_cnn(widths=(3, 4), seed=0), 0.5, keep=True)
    finish(train(kept, images(), epochs=1, batch_size=16, seed=0))
    few = images(4)
    x = few.images
    assert fgsm(kept, x, few.labels, 0.1).shape == x.shape
    more = pruned_copy(kept, 0.8)
    share = torch.cat([w.flatten() for w in weights(more)]).eq(0).double().mean()
    assert share == pytest.approx(0.8, abs=0.001)
    assert not weights(more)[0][weights(kept)[0] == 0].any()
    settled = pruned_copy(kept, 0.0)
    assert all(map(torch.equal, weights(settled), weights(kept)))
    assert not any("mask" in name for name in settled.state_dict())


def test_a_mask_attached_to_the_original_is_not_on_the_copy():
    model = small_cnn(widths=(3, 4), seed=0)
    few = images(8)
    x, labels = few.images, few.labels
    plain = pruned_copy(model, 0.3)
    with gm.GradientMask(1.0, size=3).attach(model):
        copy = pruned_copy(model, 0.3)
    gradients = []
    for network in (plain, copy):
        F.cross_entropy(network(x), labels).backward()
        gradients.append([p.grad for p in network.parameters()])
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))


@pytest.mark.parametrize("structured", [False, True])
def test_accuracy_over_sparsity_is_that_of_the_copies(structured):
    model, split = small_resnet(widths=(8, 8), seed=0), images(200)
    with torch.no_grad():
        split = ImageSet(split.images, model.eval()(split.images).argmax(1))
    found = accuracy_over_sparsity(model, split, [0.0, 0.5, 1.0], structured=structured)
    assert found[0.0] == 1
    copy = pruned_copy(model, 0.5, structured=structured)
    assert found[0.5] == evaluate(copy, split).accuracy
    constant = split.labels.bincount(minlength=10) / len(split.labels)
    assert min(abs(constant - found[1.0])) < 1e-6


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("sparsity", [-0.1, 1.01])
def test_a_share_is_between_nothing_and_all(structured, sparsity):
    with pytest.raises(ValueError, match="amount"):
        pruned_copy(small_cnn(seed=0), sparsity, structured=structured)
