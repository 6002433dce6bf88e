"""The subset embedded in the package and its builder."""

import lzma

import numpy as np
import pytest
import torch
from support.fashion_files import checksums, made_set, write

from gradmask.lab.data import embedded
from gradmask.lab.data import fashion as data
from gradmask.lab.data.fashion import CLASSES, DataError, load_fashion_mnist


class TestEmbeddedSubset:
    @pytest.mark.parametrize(
        ("name", "count"), [("train", 8000), ("validation", 2000), ("test", 2000)]
    )
    def test_each_split_is_balanced_and_in_range(self, name, count):
        split = getattr(load_fashion_mnist(), name)
        assert split.images.shape == (count, 1, 28, 28)
        assert split.images.dtype == torch.float32
        assert split.images.min() == 0
        assert split.images.max() == 1
        assert split.labels.dtype == torch.int64
        assert split.labels.bincount().tolist() == [count // 10] * 10

    def test_pixels_are_bytes_over_255(self):
        pixels = load_fashion_mnist().test.images * 255
        assert torch.equal(pixels.round() / 255, load_fashion_mnist().test.images)

    def test_official_indices_are_distinct_and_within_their_split(self):
        subset = embedded.read_subset(embedded.ASSET)
        from_train = np.concatenate([subset.train["index"], subset.validation["index"]])
        assert len(np.unique(from_train)) == 10_000
        assert from_train.max() < 60_000
        assert len(np.unique(subset.test["index"])) == 2_000
        assert subset.test["index"].max() < 10_000

    def test_starts_with_the_known_labels_of_the_official_splits(self):
        loaded = load_fashion_mnist()
        assert loaded.train.labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
        assert loaded.test.labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]

    @pytest.mark.parametrize("name", ["train", "validation", "test"])
    def test_order_is_shuffled(self, name):
        labels = getattr(load_fashion_mnist(), name).labels
        changes = (labels[1:] != labels[:-1]).double().mean()
        assert 0.85 < changes < 0.95

    def test_splits_share_no_image(self):
        loaded = load_fashion_mnist()
        seen = [
            {image.numpy().tobytes() for image in split.images}
            for split in (loaded.train, loaded.validation, loaded.test)
        ]
        assert len(set.union(*seen)) == sum(map(len, seen))

    def test_repr_names_the_source(self):
        assert "embedded" in repr(load_fashion_mnist())

    def test_is_used_even_where_the_variable_is_set(self, monkeypatch, tmp_path):
        monkeypatch.setenv(data.VARIABLE, str(tmp_path / "absent"))
        assert load_fashion_mnist().source == "embedded subset"

    def test_ten_classes_are_named(self):
        assert len(set(CLASSES)) == 10
        assert CLASSES[9] == "Ankle boot"


class TestDamagedAsset:
    def tampered(self):
        payload = bytearray(lzma.decompress(embedded.ASSET.read_bytes()))
        payload[400] ^= 1
        return lzma.compress(bytes(payload), preset=0)

    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            (lambda self: self.tampered(), "sha256"),
            (lambda self: embedded.ASSET.read_bytes()[:-1000], "cannot be read"),
            (lambda self: b"", "cannot be read"),
            (lambda self: None, "cannot be read"),
        ],
        ids=["a bit flipped", "truncated", "empty", "missing"],
    )
    def test_is_refused(self, damage, said, monkeypatch, tmp_path):
        path = tmp_path / "subset.xz"
        if (content := damage(self)) is not None:
            path.write_bytes(content)
        monkeypatch.setattr(embedded, "ASSET", path)
        with pytest.raises(DataError, match=said) as caught:
            load_fashion_mnist()
        assert str(path) in str(caught.value)
        assert "python -m gradmask.lab.data.embedded ROOT" in str(caught.value)


class TestBuilder:
    @pytest.fixture
    def contents(self):
        return made_set(1010, 205)

    def test_makes_the_same_bytes_and_they_read_back(
        self, contents, monkeypatch, tmp_path, capsys
    ):
        root = write(tmp_path / "root", contents)
        monkeypatch.setattr(embedded, "SHA256", checksums(contents))
        first, second = tmp_path / "first.xz", tmp_path / "second.xz"
        embedded.main(root, first)
        embedded.main(root, second)
        assert first.read_bytes() == second.read_bytes()

        digest = capsys.readouterr().out.split()[-1]
        monkeypatch.setattr(embedded, "ASSET_SHA256", digest)
        subset = embedded.read_subset(first)
        assert [len(part) for part in subset] == [8000, 2000, 2000]
        for part, prefix in zip(subset, ("train", "train", "t10k"), strict=True):
            images = contents[f"{prefix}-images-idx3-ubyte"]
            labels = contents[f"{prefix}-labels-idx1-ubyte"]
            assert np.array_equal(part["image"], images[part["index"]])
            assert np.array_equal(part["label"], labels[part["index"]])
        labels = contents["train-labels-idx1-ubyte"]
        sevens = [index for index, label in enumerate(labels) if label == 7]
        chosen = subset.train["index"][subset.train["label"] == 7]
        assert chosen.tolist() == sevens[:800]
        chosen = subset.validation["index"][subset.validation["label"] == 7]
        assert chosen.tolist() == sevens[-200:]

    def test_refuses_what_is_not_the_official_set(self, contents, tmp_path):
        root = write(tmp_path / "root", contents)
        with pytest.raises(DataError, match="sha256"):
            embedded.main(root, tmp_path / "asset.xz")
        assert not (tmp_path / "asset.xz").exists()
