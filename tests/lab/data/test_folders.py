"""Images read from files when they are needed, on a few tiny ones."""

import pytest
import torch
from support.pictures import write_class_folders
from torchvision import datasets

from gradmask.lab.data import folders
from gradmask.lab.data.folders import ImageFiles, load_files
from gradmask.lab.data.idx import DataError
from gradmask.lab.data.photographs import MEAN, STD

CPU = torch.device("cpu")
ROWS = torch.tensor([[0, 9, 3], [12, 1, 15]])


@pytest.fixture
def folder(tmp_path):
    return write_class_folders(tmp_path / "images")


def drawn(images, rows=ROWS):
    return torch.cat([batch.images for batch in images.batches(rows, CPU)])


def test_batches_are_the_rows_of_the_plan_with_the_labels_of_their_folders(folder):
    images = load_files("folder", folder, 32).train
    assert (len(images), images.classes) == (16, ("cat", "dog"))
    batches = list(images.batches([ROWS[0], ROWS[1, :1]], CPU))
    assert [batch.labels.tolist() for batch in batches] == [[0, 1, 0], [1]]
    assert [tuple(batch.images.shape) for batch in batches] == [
        (3, 3, 32, 32),
        (1, 3, 32, 32),
    ]
    dark, bright = batches[0].images[0].mean(), batches[0].images[1].mean()
    assert dark < -1 < 1 < bright


def test_crops_depend_on_the_seed_and_the_pass_and_not_on_workers(folder):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = drawn(load_files("folder", folder, 32, seed=3).train)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(drawn(load_files("folder", folder, 32, seed=3).train), one)
    helped = load_files("folder", folder, 32, seed=3, workers=2).train
    assert torch.equal(drawn(helped), one)
    for other in (
        drawn(load_files("folder", folder, 32, seed=4).train),
        drawn(helped, ROWS.flip(0)).unflatten(0, (2, 3)).flip(0).flatten(0, 1),
    ):
        assert not any(map(torch.equal, other, one))


def test_validation_is_not_augmented(folder):
    validation = load_files("folder", folder, 32).validation
    rows = torch.tensor([[0, 1]])
    again = load_files("folder", folder, 32, seed=1).validation
    assert torch.equal(drawn(validation, rows), drawn(again, rows))


def test_classes_are_numbered_by_the_training_images(folder):
    (folder / "train" / "aardvark").mkdir()
    (folder / "train" / "dog" / "0.png").rename(folder / "train" / "aardvark" / "0.png")
    files = load_files("folder", folder, 32)
    assert files.train.classes == files.validation.classes == ("aardvark", "cat", "dog")
    rows = torch.arange(len(files.validation))[None]
    (batch,) = files.validation.batches(rows, CPU)
    bright = batch.images.mean((1, 2, 3)) > 0
    assert torch.equal(batch.labels, 1 + bright.long())


def test_a_class_that_training_has_not_is_named(folder):
    (folder / "val" / "cat").rename(folder / "val" / "bat")
    with pytest.raises(DataError, match=r"val has classes .*train has not: bat$"):
        load_files("folder", folder, 32)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_truncated_image_is_named(folder, workers):
    path = folder / "train" / "dog" / "1.png"
    path.write_bytes(path.read_bytes()[:500])
    images = load_files("folder", folder, 32, workers=workers).train
    with pytest.raises(DataError) as caught:
        drawn(images, torch.tensor([[9]]))
    assert str(caught.value).startswith(f"{path} cannot be read as an image")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["cifar10", "cifar100"])
def test_cifar_is_augmented_in_training_alone(source, tmp_path, monkeypatch):
    def fake(root, train, transform, download):
        assert (root, download) == (tmp_path, True)
        data = datasets.FakeData(8, (3, 32, 32), 10, transform)
        data.classes = list("abcdefghij")
        return data

    monkeypatch.setitem(folders.CIFAR, source, fake)
    training, validation = load_files(source, tmp_path, 48)
    rows = torch.arange(8)[None]
    for data, same in (training, False), (validation, True):
        (batch,) = data.batches(rows, CPU)
        again = drawn(ImageFiles(data._images, data.classes, seed=1), rows)
        assert batch.images.shape == (8, 3, 48, 48)
        assert torch.equal(batch.images, again) == same
    middle = drawn(validation, rows).mean((0, 2, 3))
    wanted = (0.5 - torch.tensor(MEAN)) / torch.tensor(STD)
    assert torch.allclose(middle, wanted, atol=0.1)


def test_a_source_has_to_be_known(tmp_path):
    with pytest.raises(ValueError, match="source"):
        load_files("mnist", tmp_path, 32)
