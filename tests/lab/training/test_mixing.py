"""Mixing of batches against loops over pixels, and what holds of every mixture."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradmask.lab.training.mixing import (
    anywhere,
    cutmix,
    mixup,
    paste,
    peaks,
    replace_background,
)

SIZE = 9, 13


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(count=12, seed=0, size=SIZE):
    """Images whose every pixel tells where it comes from, and mixed labels."""
    images = torch.rand(count, 1, *size, generator=seeded(seed))
    return images, torch.randint(10, (count,), generator=seeded(seed + 1))


def centres(count=12, seed=0, size=SIZE):
    return anywhere(torch.empty(count, 1, *size), seeded(seed))


def pasted(images, labels, generator):
    return paste(images, labels, centres(), generator)


def kept(images, labels, generator):
    return replace_background(images, labels, centres(), 4, generator)


each = pytest.mark.parametrize("mix", [mixup, cutmix, pasted, kept])
cut = pytest.mark.parametrize("mix", [cutmix, pasted])


def partners(mixed, images):
    """Index of the other image of every mixture, found by its pixels, and where."""
    found = []
    for i, mixture in enumerate(mixed):
        foreign = mixture != images[i]
        if not foreign.any():
            found.append((i, foreign[0]))
            continue
        j = next(
            j
            for j, image in enumerate(images)
            if torch.equal(image[foreign], mixture[foreign])
        )
        found.append((j, foreign[0]))
    return found


@cut
@given(seed=st.integers(0, 10_000))
def test_a_pixel_is_of_one_of_the_two_and_the_target_counts_them(mix, seed):
    images, labels = batch()
    mixed, targets = mix(images, labels, seeded(seed))
    assert targets.shape == (12, 10)
    for i, (j, foreign) in enumerate(partners(mixed, images)):
        share = float(foreign.float().mean())
        expected = np.zeros(10)
        expected[labels[i]] += 1 - share
        expected[labels[j]] += share
        np.testing.assert_allclose(targets[i], expected, atol=1e-6)
        if share:
            rows, columns = (foreign.any(axis).nonzero() for axis in (1, 0))
            box = foreign[
                rows.min() : rows.max() + 1, columns.min() : columns.max() + 1
            ]
            assert box.all()


@pytest.mark.parametrize("mix", [cutmix, pasted, kept])
def test_no_image_is_the_partner_of_two(mix):
    images, labels = batch()
    mixed, _ = mix(images, labels, seeded(3))
    changed = [j for j, foreign in partners(mixed, images) if foreign.any()]
    assert len(changed) >= 9
    assert len(set(changed)) == len(changed)


@given(seed=st.integers(0, 10_000))
def test_mixup_is_the_formula(seed):
    images, labels = batch()
    mixed, targets = mixup(images, labels, seeded(seed))
    draws = seeded(seed)
    order = torch.randperm(12, generator=draws).tolist()
    shares = torch.rand(12, generator=draws).tolist()
    one_hot = np.eye(10)[labels]
    for i, (j, share) in enumerate(zip(order, shares, strict=True)):
        expected = share * images[i].numpy() + (1 - share) * images[j].numpy()
        np.testing.assert_allclose(mixed[i], expected, atol=1e-6)
        soft = share * one_hot[i] + (1 - share) * one_hot[j]
        np.testing.assert_allclose(targets[i], soft, atol=1e-6)
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)


def test_the_boxes_of_cutmix_are_the_papers():
    count, height, width = 40_000, *SIZE
    images = torch.arange(count, dtype=torch.float64)[:, None, None, None]
    images = images.expand(count, 1, *SIZE)
    mixed, _ = cutmix(images, torch.zeros(count, dtype=torch.int64), seeded())
    foreign = (mixed != images)[:, 0]
    drawn = np.random.default_rng(0)
    sides = np.round(np.sqrt(1 - drawn.random(count)) * [[height], [width]])
    expected = np.zeros(SIZE)
    for h, w in sides.T[:20_000]:
        y = drawn.integers(height) - h // 2
        x = drawn.integers(width) - w // 2
        top, left = int(max(y, 0)), int(max(x, 0))
        expected[top : int(y + max(h, 1)), left : int(x + max(w, 1))] += 1 / 20_000
    # Six standard deviations of the difference of two shares.
    np.testing.assert_allclose(foreign.double().mean(0), expected, atol=0.026)


@given(seed=st.integers(0, 10_000))
def test_a_bright_pixel_leads_the_box_there(seed):
    images, labels = batch()
    x, y = centres(seed=seed).T
    maps = torch.zeros(12, *SIZE)
    maps[torch.arange(12), y, x] = 1
    assert torch.equal(peaks(maps), torch.stack([x, y], 1))
    mixed, _ = paste(images, labels, peaks(maps), seeded(seed))
    for i, (j, foreign) in enumerate(partners(mixed, images)):
        assert i == j or foreign[y[j], x[j]]


def test_a_flat_map_peaks_in_the_middle():
    maps = torch.full((2, *SIZE), 0.3)
    maps[0, 8, 1] = 0.4
    assert peaks(maps).tolist() == [[1, 8], [6, 4]]


def test_anywhere_is_every_pixel_alike():
    drawn = anywhere(torch.empty(11_700, 1, *SIZE), seeded())
    pixels, counts = drawn.unique(dim=0, return_counts=True)
    assert pixels.tolist() == [[x, y] for x in range(13) for y in range(9)]
    assert (counts - 100).abs().max() < 60


@given(seed=st.integers(0, 10_000))
def test_the_centres_decide_where_and_not_how_much(seed):
    images, labels = batch()
    mixtures = [
        paste(images, labels, centres(seed=place), seeded(seed)) for place in (1, 2)
    ]
    torch.testing.assert_close(*(targets for _, targets in mixtures))
    sizes = [
        [int(foreign.sum()) for _, foreign in partners(mixed, images)]
        for mixed, _ in mixtures
    ]
    assert sizes[0] == sizes[1]


@given(seed=st.integers(0, 10_000), side=st.integers(1, 9))
def test_a_background_is_the_partners_and_the_label_stays(seed, side):
    images, labels = batch()
    middles = centres(seed=seed)
    mixed, targets = replace_background(images, labels, middles, side, seeded(seed))
    order = torch.randperm(12, generator=seeded(seed)).tolist()
    for i, (x, y) in enumerate(middles.tolist()):
        left, top = (
            min(max(middle - side // 2, 0), room - side)
            for middle, room in ((x, 13), (y, 9))
        )
        square = (slice(None), slice(top, top + side), slice(left, left + side))
        expected = images[order[i]].clone()
        expected[square] = images[i][square]
        assert torch.equal(mixed[i], expected)
    assert np.array_equal(targets, np.eye(10)[labels])
    assert targets.dtype == images.dtype


@each
def test_the_seed_is_the_generators_alone(mix):
    images, labels = batch()
    before = images.clone()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second, other = (mix(images, labels, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(map(torch.equal, first, second))
    assert not torch.equal(first[0], other[0])
    assert torch.equal(images, before)


@each
def test_what_is_no_batch_is_refused(mix):
    images, labels = batch()
    with pytest.raises(ValueError, match="shape"):
        mix(images[:, 0], labels, seeded())
    with pytest.raises(ValueError, match="12 images and labels"):
        mix(images, labels[:5], seeded())


def test_what_does_not_fit_is_refused():
    images, labels = batch()
    for mix in (pasted, kept):
        with pytest.raises(ValueError, match="centres must have shape"):
            mix(images[:5], labels[:5], seeded())
    for side in (0, 10):
        with pytest.raises(ValueError, match="does not fit"):
            replace_background(images, labels, centres(), side, seeded())
