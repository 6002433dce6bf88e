"""Mixing of batches against loops over pixels, and what holds of every mixture."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradmask.lab.mixing import (
    cutmix,
    mixup,
    moved,
    paste_random,
    paste_salient,
    replace_background,
)

SIZE = 9, 13


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(count=12, seed=0, size=SIZE):
    """Images whose every pixel tells where it comes from, and mixed labels."""
    images = torch.rand(count, 1, *size, generator=seeded(seed))
    return images, torch.randint(10, (count,), generator=seeded(seed + 1))


def peaks(count=12, seed=0, size=SIZE):
    """Maps with one bright pixel, and its row and column."""
    generator = seeded(seed)
    rows, columns = (torch.randint(n, (count,), generator=generator) for n in size)
    maps = torch.zeros(count, *size)
    maps[torch.arange(count), rows, columns] = 1
    return maps, rows, columns


def by_peaks(images, labels, generator):
    return paste_salient(images, labels, peaks()[0], generator)


PASTES = {"cutmix": cutmix, "random": paste_random, "salient": by_peaks}
each = pytest.mark.parametrize("paste", PASTES.values(), ids=PASTES)


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


@each
@given(seed=st.integers(0, 10_000))
def test_a_pixel_is_of_one_of_the_two_and_the_target_counts_them(paste, seed):
    images, labels = batch()
    mixed, targets = paste(images, labels, seeded(seed))
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


@each
def test_every_image_is_a_partner_once(paste):
    images, labels = batch(size=(32, 32))
    maps = peaks(size=(32, 32))[0]
    if paste is by_peaks:
        mixed, _ = paste_salient(images, labels, maps, seeded(3))
    else:
        mixed, _ = paste(images, labels, seeded(3))
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
def test_the_box_lies_on_the_partners_brightest_pixel(seed):
    images, labels = batch()
    maps, rows, columns = peaks(seed=seed)
    mixed, _ = paste_salient(images, labels, maps, seeded(seed))
    for i, (j, foreign) in enumerate(partners(mixed, images)):
        assert i == j or foreign[rows[j], columns[j]]


@given(seed=st.integers(0, 10_000))
def test_a_random_box_is_as_large_as_the_salient_one(seed):
    images, labels = batch()
    salient, first = paste_salient(images, labels, peaks()[0], seeded(seed))
    random, second = paste_random(images, labels, seeded(seed))
    torch.testing.assert_close(first, second)
    sizes = [
        [int(foreign.sum()) for _, foreign in partners(mixed, images)]
        for mixed in (salient, random)
    ]
    assert sizes[0] == sizes[1]


@given(seed=st.integers(0, 10_000))
def test_a_background_is_the_partners_and_the_label_stays(seed):
    images, labels = batch()
    generator = seeded(seed)
    start = torch.stack([torch.randint(n, (12,), generator=generator) for n in (12, 8)])
    boxes = torch.cat([start.T, start.T + 2], 1)
    boxes[:, 2:] = torch.minimum(boxes[:, 2:], torch.tensor([13, 9]))
    mixed, targets = replace_background(images, labels, boxes, seeded(seed))
    order = torch.randperm(12, generator=seeded(seed)).tolist()
    for i, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        expected = images[order[i]].clone()
        expected[:, y0:y1, x0:x1] = images[i, :, y0:y1, x0:x1]
        assert torch.equal(mixed[i], expected)
    assert np.array_equal(targets, np.eye(10)[labels])
    assert targets.dtype == images.dtype


def test_moved_boxes_keep_their_sides_and_reach_every_place():
    boxes = torch.tensor([[0, 0, 11, 8]]).repeat(3000, 1)
    found = moved(boxes, SIZE, seeded())
    sides = (found[:, 2:] - found[:, :2]).unique(dim=0)
    assert sides.tolist() == [[11, 8]]
    starts, counts = found[:, :2].unique(dim=0, return_counts=True)
    assert starts.tolist() == [[x, y] for x in range(3) for y in range(2)]
    assert (counts - 500).abs().max() < 6 * (3000 * 5 / 36) ** 0.5


@pytest.mark.parametrize("mix", [mixup, cutmix, paste_random, by_peaks])
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


@pytest.mark.parametrize("mix", [mixup, cutmix, paste_random, by_peaks])
def test_what_is_no_batch_is_refused(mix):
    images, labels = batch()
    with pytest.raises(ValueError, match="shape"):
        mix(images[:, 0], labels, seeded())
    with pytest.raises(ValueError, match="12 images and labels"):
        mix(images, labels[:5], seeded())


def test_maps_and_boxes_must_fit():
    images, labels = batch()
    with pytest.raises(ValueError, match="saliency must have shape"):
        paste_salient(images, labels, torch.zeros(12, 9, 9), seeded())
    with pytest.raises(ValueError, match="boxes must have shape"):
        replace_background(images, labels, torch.zeros(3, 4).long(), seeded())
