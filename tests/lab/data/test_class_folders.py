"""Class folders: numbered by the training images, and refused rather than half read."""

import pytest
from support.pictures import picture

from gradmask.lab.data.class_folders import class_folders
from gradmask.lab.data.idx import DataError


def folders(tmp_path, **classes):
    for split, names in classes.items():
        for name in names:
            picture(tmp_path / split / name / "1.png")
    return [tmp_path / split for split in classes]


def test_every_split_is_numbered_alike(tmp_path):
    splits = folders(tmp_path, train=("cat", "ant", "bee"), test=("bee", "ant", "cat"))
    picture(tmp_path / "train/ant/deep/0.JPG")
    classes, images = class_folders(splits)
    assert classes == ("ant", "bee", "cat")
    named = [[(path.parent.name, label) for path, label in one] for one in images]
    assert named[0] == [("ant", 0), ("deep", 0), ("bee", 1), ("cat", 2)]
    assert named[1] == [("ant", 0), ("bee", 1), ("cat", 2)]


def test_a_split_that_lacks_a_class_is_numbered_by_the_first(tmp_path):
    classes, images = class_folders(
        folders(tmp_path, train=("ant", "bee"), val=("bee",))
    )
    assert classes == ("ant", "bee")
    assert [label for _, label in images[1]] == [1]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (
            {"train": ("bee",), "val": ("ant", "bee", "cow")},
            "val has .*train .* ant, cow",
        ),
        ({"train": ("bee",), "val": ()}, r"no folder .*val"),
    ],
)
def test_what_training_does_not_know_is_refused_by_name(tmp_path, classes, message):
    folders(tmp_path, **classes)
    with pytest.raises(DataError, match=message):
        class_folders([tmp_path / "train", tmp_path / "val"])


def test_an_empty_folder_and_an_empty_class_are_refused_by_name(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(DataError, match="train holds no folders"):
        class_folders([tmp_path / "train"])
    (tmp_path / "train/ant").mkdir()
    (tmp_path / "train/ant/notes.txt").write_text("no image")
    with pytest.raises(DataError, match="ant holds no images"):
        class_folders([tmp_path / "train"])
