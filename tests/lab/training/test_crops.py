"""Crops and flips, against a loop over single images."""

import torch
import torch.nn.functional as F

from gradmask.lab.data.images import ImageSet
from gradmask.lab.training.crops import CropsAndFlips, crop_and_flip


def every_view(image, padding):
    """Yield all that may come of an image, by how it was moved and mirrored."""
    _, height, width = image.shape
    padded = F.pad(image, (padding,) * 4)
    for down in range(2 * padding + 1):
        for right in range(2 * padding + 1):
            view = padded[:, down : down + height, right : right + width]
            yield (down, right, False), view
            yield (down, right, True), view.flip(2)


def test_every_image_is_one_of_its_views_and_every_view_comes():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 5, 6)
    views = dict(every_view(image, 1))
    seen = [
        [move for move, view in views.items() if torch.equal(view, one)]
        for one in crop_and_flip(image.expand(600, -1, -1, -1), 1, generator)
    ]
    assert all(len(moves) == 1 for moves in seen)
    counts = torch.tensor([sum(m == [move] for m in seen) for move in views])
    assert counts.min() > 0
    # Chi squared of 17 degrees of freedom: below 41 in 999 of 1,000 cases.
    assert ((counts - 600 / 18) ** 2 / (600 / 18)).sum() < 41


def test_images_of_a_batch_keep_their_places_and_labels():
    batch = ImageSet(torch.arange(8.0)[:, None, None, None].expand(-1, 3, 4, 4) + 1,
                     torch.arange(8))  # fmt: skip
    images, labels = CropsAndFlips(1, seed=3)(None, batch)
    assert torch.equal(images.amax((1, 2, 3)), torch.arange(8.0) + 1)
    assert torch.equal(labels, batch.labels)
    again = CropsAndFlips(1, seed=3)
    assert torch.equal(again(None, batch)[0], images)
    assert not torch.equal(again(None, batch)[0], images)


def test_without_padding_images_are_mirrored_alone():
    images = torch.rand(20, 1, 3, 4)
    found = crop_and_flip(images, 0, torch.Generator().manual_seed(0))
    kept = (found == images).flatten(1).all(1)
    mirrored = (found == images.flip(3)).flatten(1).all(1)
    assert (kept ^ mirrored).all()
    assert 0 < kept.sum() < 20
