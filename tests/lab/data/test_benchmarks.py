"""Standard benchmarks: from class folders, from torchvision, or refused."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from gradmask.lab.data import benchmarks
from gradmask.lab.data.benchmarks import BENCHMARKS, load_benchmark
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.idx import DataError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(benchmarks.VARIABLE, raising=False)


@pytest.fixture
def root(tmp_path):
    """Twenty training images and one test image of each of two classes."""
    for split, count in (("train", 20), ("test", 1)):
        for value, name in enumerate(("ant", "bee")):
            folder = tmp_path / "cifar10" / split / name
            folder.mkdir(parents=True)
            for n in range(count):
                pixels = np.full((32, 32, 3), 100 * value + n, np.uint8)
                Image.fromarray(pixels).save(folder / f"{n:02}.png")
    return tmp_path / "cifar10"


def test_class_folders_are_a_benchmark(root, monkeypatch):
    (root / "SOURCE").write_text("copies\n")
    data = load_benchmark("cifar10", root)
    assert repr(data) == (
        "Benchmark(40 training, 2 test, 2 classes; class folders, copies)"
    )
    assert data.classes == ("ant", "bee")
    assert data.training.images.shape == (40, 3, 32, 32)
    expected = data.training.labels * 100 + torch.arange(20).repeat(2)
    assert data.training.images[:, 0, 0, 0].tolist() == expected.tolist()

    monkeypatch.setenv(benchmarks.VARIABLE, str(root.parent))
    assert load_benchmark("cifar10").test.labels.tolist() == [0, 1]
    (root / "test").rename(root / "val")
    assert len(load_benchmark("cifar10").test) == 2


def test_a_class_without_test_images_is_refused(root):
    shutil.rmtree(root / "test/ant")
    with pytest.raises(DataError, match=r"test lacks classes: ant"):
        load_benchmark("cifar10", root)


def test_validation_is_the_last_tenth_of_every_class(root):
    training, held_out = load_benchmark("cifar10", root).validation()
    assert held_out.images[:, 0, 0, 0].tolist() == [18, 19, 118, 119]
    assert held_out.labels.tolist() == [0, 0, 1, 1]
    assert len(training) == 36


def test_a_missing_folder_names_itself_and_the_cure(tmp_path, monkeypatch):
    monkeypatch.setenv(benchmarks.VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match=r"imagenette.*train/CLASS.*unset GRADMASK"):
        load_benchmark("imagenette")


def test_an_unknown_benchmark_is_refused():
    with pytest.raises(ValueError, match=", ".join(BENCHMARKS)):
        load_benchmark("cifar11")


def test_fashion_mnist_lies_in_the_middle_of_its_frame():
    data, subset = load_benchmark("fashion_subset"), load_fashion_mnist()
    assert len(data.training) == len(subset.train) + len(subset.validation)
    assert torch.equal(data.test.images[:, :, 2:-2, 2:-2], subset.test.images)
    assert data.test.images.count_nonzero() == subset.test.images.count_nonzero()
    assert torch.equal(data.test.labels, subset.test.labels)


def test_official_arrays_become_images(tmp_path, monkeypatch):
    asked = []
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)

    def official(folder, *, train, download):
        asked.append((folder, train, download))
        return SimpleNamespace(data=pixels, targets=[0, 1, 1, 0], classes=["a", "b"])

    monkeypatch.setitem(benchmarks.CIFAR, "cifar100", official)
    data = load_benchmark("cifar100")
    folder = str(tmp_path / "cache/gradmask")
    assert asked == [(folder, True, True), (folder, False, True)]
    assert np.array_equal(data.test.images.permute(0, 2, 3, 1), pixels)
    assert data.training.labels.tolist() == [0, 1, 1, 0]
    assert "official" in data.source


@pytest.mark.parametrize("name", ["cifar10", "imagenette"])
def test_without_a_network_the_cure_is_named(name, monkeypatch):
    def unreachable(*args, **options):
        raise OSError("no route to host")

    monkeypatch.setitem(benchmarks.CIFAR, "cifar10", unreachable)
    monkeypatch.setattr(benchmarks.datasets, "Imagenette", unreachable)
    with pytest.raises(DataError, match=f"no route.*{name}/train/CLASS.*GRADMASK"):
        load_benchmark(name)
