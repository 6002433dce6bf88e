"""What the record of saliency says, and the pictures that show it."""

import itertools

import numpy as np
import pytest
import torch

from gradmask.lab.data.scenes import Scenes
from gradmask.lab.figures import saliency as draw
from gradmask.lab.measures.saliency.localisation import SHARES
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.reports.comparison import baselines
from gradmask.lab.reports.saliency import map_effect, map_summary, network_effect
from gradmask.lab.reports.stats import Interval, paired_difference

VARIANTS = {
    ("plain", 22): 0.4,
    ("plain", 30): 0.1,
    ("theory", 30): 0.2,
    ("theory, random", 30): 0.3,
    ("theory, top-k", 30): 0.15,
}


def record():
    generator = np.random.default_rng(0)
    return [
        {"seed": seed, "family": family, "variant": variant, "epochs": epochs}
        | {"map": name, "train loss": loss, "energy": generator.random()}
        | {f"iou {100 * share:.0f}": generator.random() for share in SHARES}
        for seed, family, ((variant, epochs), loss), name in itertools.product(
            range(4), ("resnet", "vgg"), VARIANTS.items(), MAPS
        )
    ]


def values(rows, family, variant, epochs, name, key="energy"):
    wanted = (family, variant, epochs, name)
    return [
        row[key]
        for row in rows
        if (row["family"], row["variant"], row["epochs"], row["map"]) == wanted
    ]


def test_a_map_is_compared_with_another_of_the_same_networks():
    rows = record()
    one, two = (
        values(rows, "vgg", "plain", 30, name) for name in ("lateral", "centre")
    )
    found = map_effect(rows, "vgg", "plain", "lateral", "centre", "energy")
    assert found == paired_difference(one, two)
    mean = map_summary(rows, "vgg", "plain", "lateral", "energy").mean
    assert mean == pytest.approx(np.mean(one))


def test_a_network_is_compared_with_another_by_the_same_map():
    rows = record()
    masked, short, full = (
        np.array(values(rows, "resnet", variant, epochs, "gradient"))
        for variant, epochs in (("theory", 30), ("plain", 22), ("plain", 30))
    )
    plain, stopped, *_ = baselines("theory")
    options = (rows, "resnet", "gradient", "theory")
    found = network_effect(*options, plain, "energy")
    assert found == paired_difference(masked, full)
    # Half-way between the losses of the two schedules, on the logarithmic scale.
    found = network_effect(*options, stopped, "energy")
    assert found.mean == pytest.approx(np.mean(masked - (short + full) / 2))


def test_a_dot_is_filled_where_its_interval_excludes_zero():
    lines = {
        "one": {"resnet": Interval(1.0, 0.5, 1.5), "vgg": Interval(0.1, -1.0, 1.2)},
        "two": {"resnet": Interval(-1.0, -2.0, -0.5), "vgg": Interval(0.0, -1.0, 1.0)},
    }
    (ax,) = draw.intervals({"title": lines}, "unit").axes
    bars, dots = ax.lines[:-1:2], ax.lines[1:-1:2]
    expected = [interval for line in lines.values() for interval in line.values()]
    assert [tuple(bar.get_xdata()) for bar in bars] == [i[1:] for i in expected]
    assert [dot.get_xdata()[0] for dot in dots] == [i.mean for i in expected]
    filled = [dot.get_markerfacecolor() != "white" for dot in dots]
    assert filled == [True, False, True, False]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"]
    (ax,) = draw.intervals({"title": lines}, "unit", zero=False).axes
    assert len(ax.lines) == 8
    assert all(dot.get_markerfacecolor() != "white" for dot in ax.lines[1::2])


def test_overlap_is_drawn_over_the_share_for_every_map():
    rows = record()
    axes = draw.overlap_over_share(rows, ["resnet", "vgg"]).axes
    for ax, family in zip(axes, ("resnet", "vgg"), strict=True):
        for line, name in zip(ax.lines, draw.MAP_STYLES, strict=True):
            assert np.allclose(line.get_xdata(), 100 * np.array(SHARES))
            at_20 = np.mean(values(rows, family, "plain", 30, name, "iou 20"))
            assert line.get_ydata()[3] == pytest.approx(at_20)


def test_every_map_has_a_style():
    assert draw.MAP_STYLES.keys() == MAPS.keys()
    assert len(set(draw.MAP_STYLES.values())) == len(MAPS)


def test_survival_begins_at_one_and_is_a_mean_over_images():
    curves = {
        "lateral": {"8": torch.tensor([0.4, 0.6]), "1.0": torch.tensor([0.1, 0.3])}
    }
    (ax,) = draw.survivals(curves).axes
    assert np.allclose(ax.lines[0].get_ydata(), [1, 0.5, 0.2])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["none", "8", "1.0"]


def test_transitions_are_means_over_images():
    curve = torch.tensor([[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]])
    (ax,) = draw.transitions({"insertion": {"centre": curve}}).axes
    x, y = ax.lines[0].get_data()
    assert np.allclose(x, [0, 50, 100])
    assert np.allclose(y, 0.5)


def test_the_gallery_shows_scenes_maps_and_boxes():
    images = torch.rand(2, 1, 9, 9)
    box = torch.tensor([[2, 2, 5, 6]] * 2)
    scenes = Scenes(images, torch.tensor([0, 1]), images[:, 0] > 0.5, box)
    maps = {"lateral": torch.rand(2, 9, 9), "gradient": torch.rand(2, 9, 9)}
    axes = np.array(draw.gallery(scenes, ("bag", "Ankle boot"), maps).axes).reshape(
        3, 2
    )
    assert axes[0, 1].get_title() == "Ankle\nboot"
    for column in range(2):
        shown = [images[:, 0], *maps.values()]
        for ax, field in zip(axes[:, column], shown, strict=True):
            assert np.allclose(ax.images[0].get_array(), field[column])
            (frame,) = ax.patches
            assert frame.get_bbox().bounds == (1.5, 1.5, 3, 4)


def test_photographs_stand_beside_their_maps():
    images, maps = torch.rand(2, 3, 8, 8), {"lateral": torch.rand(2, 8, 8)}
    axes = draw.beside(images, maps).axes
    assert [ax.get_title() for ax in axes] == ["photograph", "lateral", "", ""]
    assert np.allclose(axes[2].images[0].get_array(), images[1].permute(1, 2, 0))
    assert np.allclose(axes[3].images[0].get_array(), maps["lateral"][1])
