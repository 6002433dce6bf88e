"""Sanity checks: what is randomised, what is not, and what survives."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from gradmask.lab.data.images import ImageSet
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.measures.saliency.sanity import (
    cascade,
    correlation_after_randomisation,
    random_labels,
    rank_correlation,
)
from gradmask.lab.networks.small import FAMILIES, small_resnet


def trained_like(family="resnet"):
    """A network whose every parameter and statistic differs from a fresh one's."""
    model = FAMILIES[family](widths=(3, 4, 5), seed=0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.is_floating_point() and tensor.dim():
                tensor += 0.5 + torch.rand(tensor.shape, generator=generator)
    return model


def examples(count=4):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 1, 16, 16, generator=generator)
    return images, torch.arange(count)


def test_some_of_the_cascade_are_those_of_all():
    every = list(cascade(trained_like(), seed=2))
    some = list(cascade(trained_like(), seed=2, depths=(0, 3)))
    for (name, one), (same, other) in zip(some, (every[0], every[3]), strict=True):
        assert name == same
        pairs = zip(one.parameters(), other.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("family", FAMILIES)
def test_layer_by_layer_from_the_top_all_is_randomised(family):
    model = trained_like(family)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    convolutions = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    names, changed = [], set()
    for name, copy in cascade(model, seed=0):
        now = copy.state_dict()
        different = {
            k
            for k, v in now.items()
            if not torch.equal(v, before[k]) and "num_batches" not in k
        }
        assert different > changed
        assert f"{name}.weight" in different - changed
        weights = {k for k in different - changed if before[k].dim() > 1}
        assert weights == {f"{name}.weight"}
        names, changed = [*names, name], different
    assert names == convolutions[::-1]
    untouched = set(before) - changed
    assert all("num_batches" in k or before[k].dim() == 0 for k in untouched)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_a_cascade_keeps_what_it_has_randomised_and_follows_its_seed():
    one, two, other = (list(cascade(trained_like(), seed=s)) for s in (3, 3, 4))
    for (_, a), (_, b), (_, c) in zip(one, two, other, strict=True):
        pairs = list(zip(a.parameters(), b.parameters(), strict=True))
        assert all(torch.equal(*pair) for pair in pairs)
        assert not torch.equal(a[-1].weight, c[-1].weight)
        assert torch.equal(a[-1].weight, one[0][1][-1].weight)


def test_a_cascade_leaves_the_global_random_state_alone():
    model, before = trained_like(), torch.get_rng_state()
    for _ in cascade(model, seed=0):
        assert torch.equal(torch.get_rng_state(), before)


def test_rank_correlation_is_spearmans():
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(5, 6, 7, generator=generator)
    b = (a + torch.rand(5, 6, 7, generator=generator)).mul(8).round()  # with ties
    expected = [
        stats.spearmanr(one.flatten(), two.flatten()).statistic
        for one, two in zip(a.numpy(), b.numpy(), strict=True)
    ]
    np.testing.assert_allclose(rank_correlation(a, b), expected)
    np.testing.assert_allclose(rank_correlation(a, a.exp()), np.ones(5))
    np.testing.assert_allclose(rank_correlation(a, -a), -np.ones(5))
    assert not rank_correlation(a, torch.ones(5, 6, 7)).any()


def test_what_does_not_look_survives_and_what_looks_does_not():
    images, labels = examples()
    model = small_resnet(widths=(8, 8), seed=0)
    for name in ("random", "centre"):
        for correlation in correlation_after_randomisation(
            MAPS[name], model, images, labels, seed=1
        ).values():
            np.testing.assert_allclose(correlation, 1)
    found = correlation_after_randomisation(
        MAPS["gradient"], model, images, labels, seed=1
    )
    maps = [
        MAPS["gradient"](network, images, labels)
        for network in (model, *(copy for _, copy in cascade(model, seed=1)))
    ]
    assert len(found) == len(maps) - 1
    for correlation, after in zip(found.values(), maps[1:], strict=True):
        assert torch.equal(correlation, rank_correlation(maps[0], after))
        assert (correlation < 0.9).all()


def test_labels_are_dealt_out_anew():
    labels = torch.arange(1000) % 10
    split = ImageSet(torch.rand(1000, 1, 2, 2), labels)
    dealt = random_labels(split, seed=0)
    assert dealt.images is split.images
    assert torch.equal(dealt.labels.bincount(), labels.bincount())
    same = (dealt.labels == labels).double().mean().item()
    assert abs(same - 0.1) < 4 * np.sqrt(0.1 * 0.9 / 1000)
    assert torch.equal(dealt.labels, random_labels(split, seed=0).labels)
    assert not torch.equal(dealt.labels, random_labels(split, seed=1).labels)
