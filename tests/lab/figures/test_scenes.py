"""Scenes are drawn with their boxes, outlines and targets."""

import numpy as np
import torch

from gradmask.lab.figures import scenes as draw

NAMES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt")
NAMES += ("Sneaker", "Bag", "Ankle boot")


def seeded():
    return torch.Generator().manual_seed(0)


def outlines(count, side):
    mask = torch.zeros(count, side, side, dtype=torch.bool)
    mask[:, 2:5, 2:5] = True
    return mask


def test_a_sheet_boxes_every_object():
    images, boxes = torch.rand(2, 9, 9), torch.tensor([[2, 2, 5, 5]] * 2)
    figure = draw.sheet(images, ["bag", "boot"], outlines(2, 9), boxes)
    assert len(figure.axes) == 2
    for ax, image in zip(figure.axes, images, strict=True):
        assert np.allclose(ax.images[0].get_array(), image)
        (box,) = ax.patches
        assert box.get_bbox().bounds == (1.5, 1.5, 3, 3)


def test_the_gallery_shows_scenes_maps_and_boxes():
    images = torch.rand(2, 9, 9)
    box = torch.tensor([[2, 2, 5, 6]] * 2)
    maps = {"lateral": torch.rand(2, 9, 9), "gradient": torch.rand(2, 9, 9)}
    figure = draw.gallery(images, ("bag", "Ankle boot"), box, maps)
    axes = np.array(figure.axes).reshape(2, 3)
    assert axes[1, 0].get_ylabel() == "Ankle boot"
    for line in range(2):
        shown = [images, *maps.values()]
        for ax, field in zip(axes[line], shown, strict=True):
            assert np.allclose(ax.images[0].get_array(), field[line])
            (frame,) = ax.patches
            assert frame.get_bbox().bounds == (1.5, 1.5, 3, 4)


def test_every_row_shows_its_images_and_their_targets():
    images = torch.rand(4, 8, 8, generator=seeded())
    targets = torch.zeros(4, 10)
    targets[:, 0], targets[:, 8] = 0.38, 0.62
    pure = torch.eye(10)[:4]
    batches = {"none": (images, pure), "mix": (images.flip(0), targets)}
    axes = np.reshape(draw.mixtures(batches, NAMES, 3).axes, (2, 3))
    for i in range(3):
        assert np.array_equal(axes[0, i].images[0].get_array(), images[i])
        assert np.array_equal(axes[1, i].images[0].get_array(), images[3 - i])
    title = axes[0, 1].get_title("left") or axes[0, 1].get_title()
    assert title.split("\n") == [" ", "Trouser 100 %"]
    title = axes[1, 0].get_title("left") or axes[1, 0].get_title()
    assert title.split("\n") == ["Bag 62 %", "T-shirt/top 38 %"]
    assert [row[0].get_ylabel() for row in axes] == ["none", "mix"]


def test_every_guide_is_marked_where_it_points():
    pixels = torch.tensor([[1, 2], [3, 4]])
    centres = {"lateral": pixels, "object": pixels.flip(1)}
    figure = draw.guides(torch.rand(2, 8, 8), ["a", "b"], outlines(2, 8), centres)
    for i, ax in enumerate(figure.axes):
        places = [[int(v[0]) for v in line.get_data()] for line in ax.lines]
        assert places == [pixels[i].tolist(), pixels[i].flip(0).tolist()]


def test_scenes_carry_a_circle_each():
    found = draw.circled({"a": torch.zeros(9, 9), "b": torch.ones(9, 9)}, radius=3)
    assert [ax.patches[-1].radius for ax in found.axes] == [3, 3]
    assert [ax.get_title() for ax in found.axes] == ["a", "b"]
