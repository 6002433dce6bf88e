"""Sets of images: selecting, moving and handing out batches, all fields alike."""

import pytest
import torch

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet, intensities, random_part
from gradmask.lab.data.scenes import Scenes, cluttered_scenes


def scenes(count=6):
    numbers = torch.arange(count)
    images = numbers[:, None, None, None].expand(-1, 1, 4, 4).float()
    box = numbers[:, None].expand(-1, 4)
    return Scenes(images, numbers, images[:, 0] > 2, box)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (2, [2]),
        (-1, [5]),
        (slice(1, 4), [1, 2, 3]),
        (torch.tensor([5, 0, 0]), [5, 0, 0]),
        (torch.arange(6) % 2 == 1, [1, 3, 5]),
    ],
)
def test_an_index_selects_from_all_fields_alike(index, expected):
    part = scenes()[index]
    assert isinstance(part, Scenes)
    assert len(part) == len(expected)
    assert part.labels.tolist() == expected
    assert part.images[:, 0, 0, 0].tolist() == expected
    assert part.box[:, 3].tolist() == expected
    assert part.mask[:, 0, 0].tolist() == [number > 2 for number in expected]


def test_what_is_not_known_stays_unknown():
    part = ImageSet(torch.rand(3, 3, 2, 2), torch.arange(3))[:2].to("cpu")
    assert (part.mask, part.box, len(part)) == (None, None, 2)
    assert repr(part) == "ImageSet(2 images of 3x2x2)"


def test_an_index_outside_the_set_is_refused():
    with pytest.raises(IndexError):
        scenes()[6]


def test_batches_are_the_rows_of_the_plan():
    plan = torch.tensor([[5, 1], [0, 3]])
    batches = list(scenes().batches(plan, torch.device("cpu")))
    assert [batch.labels.tolist() for batch in batches] == plan.tolist()
    assert all(isinstance(batch, Scenes) for batch in batches)


def test_a_random_part_is_drawn_by_its_seed_without_repeats():
    one, two, other = (random_part(scenes(), 4, seed=seed) for seed in (1, 1, 2))
    assert one.labels.tolist() == two.labels.tolist() != other.labels.tolist()
    assert len(set(one.labels.tolist())) == 4


def test_random_scenes_are_whole_scenes_and_not_balanced():
    many = cluttered_scenes(load_fashion_mnist().train, 200, seed=0)
    some = random_part(many, 50, seed=1)
    assert sorted(many.labels[:50].bincount(minlength=10).tolist()) == [5] * 10
    assert sorted(some.labels.bincount(minlength=10).tolist()) != [5] * 10
    for i in range(50):
        (where,) = (many.images == some.images[i]).flatten(1).all(1).nonzero()
        assert many.labels[where] == some.labels[i]
        assert torch.equal(many.mask[where[0]], some.mask[i])


def test_bytes_are_handed_out_as_intensities():
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8)
    images = ImageSet(pixels[:, None, None, None], torch.arange(3))
    (batch,) = images.batches(torch.tensor([[2, 0, 1]]), torch.device("cpu"))
    assert batch.images.flatten().tolist() == pytest.approx([1.0, 0.0, 0.2])
    assert images.images.dtype == torch.uint8
    assert intensities(batch.images) is batch.images
