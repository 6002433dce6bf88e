"""The full set: its splits and where it comes from."""

import shutil
import sys
from pathlib import Path

import pytest
import torch
from support.fashion_files import FILES, checksums, made_set, write

from gradmask.lab.data import embedded, published
from gradmask.lab.data import fashion as data
from gradmask.lab.data.fashion import DataError, FashionMNIST, load_fashion_mnist


def tags(images):
    """The indices that `made_set` wrote into images, of float32 in [0, 1]."""
    high_low = (images[:, 0, 0, :2] * 255).round().long()
    return high_low[:, 0] * 256 + high_low[:, 1]


@pytest.fixture(scope="module")
def large():
    return made_set(510, 2)


@pytest.fixture(scope="module")
def large_folder(large, tmp_path_factory):
    return write(tmp_path_factory.mktemp("large"), large)


@pytest.fixture
def sandbox(large, monkeypatch, tmp_path):
    """No source but those that a test makes; `large` stands for the official set."""
    monkeypatch.setattr(published, "SHA256", checksums(large))
    monkeypatch.delenv(data.VARIABLE, raising=False)
    monkeypatch.setattr(data, "DEBIAN", tmp_path / "absent")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def downloads(large, monkeypatch):
    """Stand in for the network behind torchvision's own class; count the calls."""
    import torchvision.datasets.mnist as mnist

    calls = []

    def fetch(url, download_root, filename, md5):
        calls.append(filename)
        name = filename.removesuffix(".gz")
        write(Path(download_root), {name: large[name]})

    monkeypatch.setattr(mnist, "download_and_extract_archive", fetch)
    return calls


class TestFullSet:
    def test_splits_are_balanced_disjoint_and_whole(self, sandbox, large, large_folder):
        loaded = load_fashion_mnist(large_folder)
        train, validation = tags(loaded.train.images), tags(loaded.validation.images)
        assert loaded.validation.labels.bincount().tolist() == [500] * 10
        assert sorted([*train.tolist(), *validation.tolist()]) == list(range(5100))
        assert tags(loaded.test.images).tolist() == list(range(20))
        labels = torch.from_numpy(large[FILES[1]]).long()
        assert torch.equal(loaded.train.labels, labels[train])
        assert torch.equal(loaded.validation.labels, labels[validation])
        assert loaded.train.images.dtype == torch.float32
        assert loaded.train.images.max() == 1

    def test_subset_lies_within_the_split_of_the_same_name(self):
        subset = embedded.read_subset(embedded.ASSET)
        for label in range(10):
            train = subset.train["index"][subset.train["label"] == label]
            held = subset.validation["index"][subset.validation["label"] == label]
            assert train.max() < held.min()

    def test_an_impostor_is_refused(self, sandbox):
        root = write(sandbox / "root", made_set(510, 2, seed=1))
        with pytest.raises(DataError, match="sha256"):
            load_fashion_mnist(root)

    def test_root_may_be_a_string(self, sandbox, large_folder):
        assert isinstance(load_fashion_mnist(str(large_folder)), FashionMNIST)


class TestOrderOfSources:
    def test_each_gives_way_to_those_before(
        self, sandbox, large_folder, monkeypatch, downloads
    ):
        assert "torchvision" in load_fashion_mnist(full=True).source
        assert len(downloads) == 4

        for name in ("debian", "variable", "root"):
            (sandbox / name).symlink_to(large_folder)
        monkeypatch.setattr(data, "DEBIAN", sandbox / "debian")
        assert str(sandbox / "debian") in load_fashion_mnist(full=True).source
        monkeypatch.setenv(data.VARIABLE, str(sandbox / "variable"))
        assert str(sandbox / "variable") in load_fashion_mnist(full=True).source
        assert str(sandbox / "root") in repr(load_fashion_mnist(sandbox / "root"))
        assert len(downloads) == 4

    def test_an_empty_variable_counts_as_unset(
        self, sandbox, large_folder, monkeypatch
    ):
        monkeypatch.setenv(data.VARIABLE, "")
        monkeypatch.setattr(data, "DEBIAN", large_folder)
        assert str(large_folder) in load_fashion_mnist(full=True).source

    @pytest.mark.parametrize("named_by", ["root", "variable", "debian"])
    def test_a_broken_source_is_not_passed_over(
        self, named_by, sandbox, large_folder, monkeypatch, downloads
    ):
        broken = sandbox / "broken"
        broken.mkdir()
        (broken / FILES[0]).write_bytes(b"")
        root = None
        if named_by == "root":
            root = broken
            monkeypatch.setenv(data.VARIABLE, str(large_folder))
        elif named_by == "variable":
            monkeypatch.setenv(data.VARIABLE, str(broken))
            monkeypatch.setattr(data, "DEBIAN", large_folder)
        else:
            monkeypatch.setattr(data, "DEBIAN", broken)
        with pytest.raises(DataError, match=str(broken)):
            load_fashion_mnist(root, full=True)
        assert downloads == []

    def test_a_named_folder_that_is_absent_is_an_error(self, sandbox, monkeypatch):
        monkeypatch.setenv(data.VARIABLE, str(sandbox / "nowhere"))
        with pytest.raises(DataError, match="nowhere is not a folder"):
            load_fashion_mnist(full=True)


class TestDownload:
    def test_is_made_once_and_kept_in_the_cache(self, sandbox, downloads):
        first = load_fashion_mnist(full=True)
        again = load_fashion_mnist(full=True)
        assert sorted(downloads) == sorted(f"{name}.gz" for name in FILES)
        assert torch.equal(first.test.images, again.test.images)
        assert str(sandbox / "cache" / "gradmask") in first.source

    def test_a_failure_says_what_to_do(self, sandbox, monkeypatch):
        import torchvision.datasets.mnist as mnist

        def fail(*_, **__):
            raise RuntimeError("no route to host")

        monkeypatch.setattr(mnist, "download_and_extract_archive", fail)
        with pytest.raises(DataError, match=rf"(?s)no route.*{data.VARIABLE}"):
            load_fashion_mnist(full=True)

    def test_a_missing_torchvision_says_what_to_do(self, sandbox, monkeypatch):
        monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
        with pytest.raises(DataError, match="install torchvision"):
            load_fashion_mnist(full=True)

    def test_a_cache_damaged_later_is_refused(self, sandbox, downloads):
        load_fashion_mnist(full=True)
        raw = sandbox / "cache" / "gradmask" / "FashionMNIST" / "raw"
        shutil.copy(raw / FILES[3], raw / FILES[1])
        with pytest.raises(DataError, match=rf"{raw}.*sha256.*delete"):
            load_fashion_mnist(full=True)
