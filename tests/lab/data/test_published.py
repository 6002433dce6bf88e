"""The reader of the four published files."""

import numpy as np
import pytest
from support.fashion_files import FILES, checksums, idx, made_set, write

from gradmask.lab.data.idx import DataError
from gradmask.lab.data.published import per_class, read_folder


@pytest.fixture
def tiny():
    return made_set(3, 2)


class TestReadFolder:
    @pytest.mark.parametrize("compressed", [False, True])
    @pytest.mark.parametrize("layout", [".", "FashionMNIST/raw"])
    def test_reads_either_layout_gzipped_or_not(
        self, tiny, compressed, layout, tmp_path
    ):
        write(tmp_path / layout, tiny, compressed)
        published = read_folder(tmp_path, {})
        read = [*published.train, *published.test]
        for name, values in zip(FILES, read, strict=True):
            assert np.array_equal(values, tiny[name])

    def test_reads_a_folder_of_both_kinds(self, tiny, tmp_path):
        for position, name in enumerate(FILES):
            write(tmp_path, {name: tiny[name]}, compressed=position % 2 == 0)
        assert len(read_folder(tmp_path, checksums(tiny)).train.labels) == 30

    @pytest.mark.parametrize("name", FILES)
    def test_a_missing_file_is_named(self, name, tiny, tmp_path):
        del tiny[name]
        with pytest.raises(DataError, match=rf"{name} is missing.*download"):
            read_folder(write(tmp_path, tiny), {})

    def test_a_missing_folder_is_named(self, tmp_path):
        with pytest.raises(DataError, match=r"nowhere is not a folder.*t10k-labels"):
            read_folder(tmp_path / "nowhere", {})

    def test_an_empty_folder_is_named(self, tmp_path):
        with pytest.raises(DataError, match=rf"{tmp_path} holds no file.*put there"):
            read_folder(tmp_path, {})

    @pytest.mark.parametrize(
        ("name", "damage", "said"),
        [
            (FILES[0], lambda v: b"", "starts with nothing"),
            (FILES[0], lambda v: b"<html>", "starts with 3c 68 74 6d"),
            (FILES[0], lambda v: idx(v[0, 0]), "3-dimensional"),
            (FILES[1], lambda v: idx(v[:, None, None]), "1-dimensional"),
            (FILES[0], lambda v: b"\0\0\x0d\x03" + idx(v)[4:], "unsigned bytes"),
            (FILES[0], lambda v: idx(v)[:9], "damaged"),
            (FILES[2], lambda v: idx(v)[:-1], "15695 bytes .* declares 15696"),
            (FILES[3], lambda v: idx(v) + b"\0", "29 bytes .* declares 28"),
            (FILES[2], lambda v: idx(v[:, :27]), r"\(27, 28\), not \(28, 28\)"),
            (FILES[1], lambda v: idx(v[:-1]), "30 images and .* 29 labels"),
            (FILES[2], lambda v: idx(v[1:]), "19 images and .* 20 labels"),
            (FILES[3], lambda v: idx(v + np.uint8(1)), "label 10, outside 0 to 9"),
        ],
    )
    @pytest.mark.parametrize("compressed", [False, True])
    def test_a_malformed_file_is_refused(
        self, name, damage, said, compressed, tiny, tmp_path
    ):
        tiny[name] = damage(tiny[name])
        folder = write(tmp_path, tiny, compressed)
        with pytest.raises(DataError, match=said) as caught:
            read_folder(folder, {})
        assert str(folder / name) in str(caught.value)
        assert "download" in str(caught.value) or "replace" in str(caught.value)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda packed: packed[:-20],
            lambda packed: packed[:10] + b"\xff" * 20 + packed[30:],
            lambda packed: packed[:-8] + bytes(4) + packed[-4:],
            lambda packed: b"not gzip at all",
        ],
        ids=["truncated", "wrong block type", "wrong crc", "another format"],
    )
    def test_a_broken_gzip_is_refused(self, damage, tiny, tmp_path):
        path = write(tmp_path, tiny, compressed=True) / f"{FILES[0]}.gz"
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(DataError, match=r"cannot be read.*download") as caught:
            read_folder(tmp_path, {})
        assert str(path) in str(caught.value)

    @pytest.mark.parametrize("name", FILES)
    def test_a_well_formed_impostor_fails_its_checksum(self, name, tiny, tmp_path):
        expected = checksums(tiny)
        read_folder(write(tmp_path, tiny), expected)
        tiny[name][0] = 0 if tiny[name].ndim == 3 else (tiny[name][0] + 1) % 10
        with pytest.raises(DataError, match=rf"{name} .*sha256.*download"):
            read_folder(write(tmp_path, tiny), expected)


@pytest.mark.parametrize("which", [slice(None, 2), slice(-2, None), slice(None, -2)])
def test_per_class_takes_the_slice_of_each_class(which):
    labels = np.random.default_rng(0).integers(0, 10, 97).astype(np.uint8)
    expected = []
    for label in range(10):
        expected += [i for i, other in enumerate(labels) if other == label][which]
    assert per_class(labels, which).tolist() == sorted(expected)
