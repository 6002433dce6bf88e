"""Training torchvision's networks on CIFAR and on folders, on a few tiny images."""

import re

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets
from torchvision.models import get_model

from gradmask import GradientMask
from gradmask.lab.cli import train as classify


@pytest.fixture
def folder(tmp_path):
    """Dark cats and bright dogs, eight of each to train on and four to validate."""
    rng = np.random.default_rng(0)
    for split, count in ("train", 8), ("val", 4):
        for name, brightness in ("cat", 40), ("dog", 200):
            place = tmp_path / "images" / split / name
            place.mkdir(parents=True)
            for i in range(count):
                noise = rng.integers(-30, 30, (40, 48, 3))
                pixels = (brightness + noise).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{i}.png")
    return tmp_path / "images"


def command(folder, *more):
    usual = "--side 32 --batch-size 8 --epochs 3 --learning-rate 0.02 --workers 0"
    return classify.main(["folder", str(folder), *usual.split(), *more])


def test_dark_cats_are_told_from_bright_dogs(folder, tmp_path, capsys):
    saved = tmp_path / "masked.pt"
    assert command(folder, "--mask", "theory", "--save", str(saved)) == 0
    lines = capsys.readouterr().out.splitlines()
    numbers = [
        re.fullmatch(r"epoch +(\d): loss (.*), validation .* (.*)%, \d+ s", line)
        for line in lines
    ]
    assert [int(found[1]) for found in numbers] == [1, 2, 3]
    assert float(numbers[-1][2]) < float(numbers[0][2])

    model = get_model("resnet18", num_classes=2).eval()
    model.load_state_dict(torch.load(saved, weights_only=True))
    _, validation = classify.load("folder", folder, 32)
    images = torch.stack([image for image, _ in validation])
    with torch.no_grad():
        right = (model(images).argmax(1) == torch.tensor(validation.targets)).double()
    assert float(numbers[-1][3]) == pytest.approx(100 * right.mean().item(), abs=0.06)


def test_the_seed_repeats_a_run_and_the_mask_changes_it(folder, capsys):
    printed = []
    for mask in ("plain", "plain", "signal"):
        assert command(folder, "--mask", mask) == 0
        printed.append(re.findall("loss [0-9.]+", capsys.readouterr().out))
    assert printed[0] == printed[1] != printed[2]


def test_a_masked_network_is_plain_again_afterwards(folder):
    model = get_model("resnet18", num_classes=2)
    before = sum(len(m._forward_hooks) for m in model.modules())
    images = classify.load("folder", folder, 32)
    options = {"epochs": 1, "inhibition": GradientMask(sigma=1.0)}
    list(classify.train(model, *images, batch_size=8, **options))
    assert sum(len(m._forward_hooks) for m in model.modules()) == before


@pytest.mark.parametrize("source", ["cifar10", "cifar100"])
def test_cifar_is_augmented_in_training_alone(source, tmp_path, monkeypatch):
    def fake(root, train, transform, download):
        assert (root, download) == (tmp_path, True)
        return datasets.FakeData(8, (3, 32, 32), 10, transform)

    monkeypatch.setitem(classify.CIFAR, source, fake)
    training, validation = classify.load(source, tmp_path, 48)
    torch.manual_seed(0)
    for data, same in (training, False), (validation, True):
        image, again = data[0][0], data[0][0]
        assert image.shape == (3, 48, 48)
        assert torch.equal(image, again) == same
    middle = torch.stack([validation[i][0] for i in range(8)]).mean((0, 2, 3))
    wanted = (0.5 - torch.tensor(classify.MEAN)) / torch.tensor(classify.STD)
    assert torch.allclose(middle, wanted, atol=0.1)


def test_the_command_says_what_is_wrong(folder, tmp_path, capsys):
    for place, more, message in (
        (tmp_path / "none", (), "none/train"),
        (folder, ("--batch-size", "99"), "fewer training images than a batch of 99"),
        (folder, ("--model", "resnet0"), "resnet0"),
    ):
        assert command(place, *more) == 2
        assert message in capsys.readouterr().err


def test_a_source_has_to_be_known(tmp_path):
    with pytest.raises(ValueError, match="source"):
        classify.load("mnist", tmp_path, 32)
