"""The pictures of augmentation draw what they are given."""

import numpy as np
import pytest
import torch

from gradmask.lab.data.scenes import Scenes
from gradmask.lab.figures import augmentation as draw
from gradmask.lab.reports.stats import paired_difference


def seeded():
    return torch.Generator().manual_seed(0)


def test_every_row_shows_its_images_and_their_targets():
    images = torch.rand(4, 1, 8, 8, generator=seeded())
    targets = torch.zeros(4, 10)
    targets[:, 0], targets[:, 8] = 0.38, 0.62
    pure = torch.eye(10)[:4]
    axes = np.reshape(
        draw.mixtures(
            {"none": (images, pure), "mix": (images.flip(0), targets)}, 3
        ).axes,
        (2, 3),
    )
    for i in range(3):
        assert np.array_equal(axes[0, i].images[0].get_array(), images[i, 0])
        assert np.array_equal(axes[1, i].images[0].get_array(), images[3 - i, 0])
    title = axes[0, 1].get_title("left") or axes[0, 1].get_title()
    assert title.split("\n") == [" ", "Trouser 100 %"]
    title = axes[1, 0].get_title("left") or axes[1, 0].get_title()
    assert title.split("\n") == ["Bag 62 %", "T-shirt/top 38 %"]
    assert [row[0].get_ylabel() for row in axes] == ["none", "mix"]


def test_every_guide_is_marked_where_it_points():
    outline = torch.zeros(2, 8, 8, dtype=torch.bool)
    outline[:, 2:5, 2:5] = True
    scenes = Scenes(
        torch.rand(2, 1, 8, 8), torch.tensor([0, 1]), outline, torch.zeros(2, 4)
    )
    pixels = torch.tensor([[1, 2], [3, 4]])
    figure = draw.where(scenes, {"lateral": pixels, "object": pixels.flip(1)}, 2)
    for i, ax in enumerate(figure.axes):
        places = [[int(v[0]) for v in line.get_data()] for line in ax.lines]
        assert places == [pixels[i].tolist(), pixels[i].flip(0).tolist()]


def test_differences_are_paired_and_filled_where_zero_is_outside():
    values = {
        "none": [0.5, 0.6, 0.7],
        "paste, lateral": [0.6, 0.71, 0.79],
        "mixup": [0.3, 0.7, 0.7],
        "paste, random": [0.6, 0.7, 0.79],
    }
    rows = [
        {"seed": seed, "variant": name, "epochs": 3, "test accuracy": value}
        for name, column in values.items()
        for seed, value in enumerate(column)
    ]
    pairs = [
        ("paste, lateral", "none"),
        ("mixup", "none"),
        ("paste, lateral", "paste, random"),
    ]
    (ax,) = draw.compared(rows, pairs, {"test accuracy": "test"}).axes
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        "paste, lateral − none",
        "mixup − none",
        "paste: lateral − random",
    ]
    for y, (variant, baseline) in enumerate(pairs):
        interval = paired_difference(values[variant], values[baseline])
        bar, dot = ax.lines[2 * y : 2 * y + 2]
        assert list(bar.get_xdata()) == pytest.approx(
            [100 * interval.low, 100 * interval.high]
        )
        assert list(dot.get_xdata()) == pytest.approx([100 * interval.mean])
        assert list(dot.get_ydata()) == [y]
        assert (dot.get_markerfacecolor() == "white") == (not interval.excludes_zero)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
