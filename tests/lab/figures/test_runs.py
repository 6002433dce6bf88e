"""Training runs are drawn seed by seed, with their mean."""

import itertools

import numpy as np

from gradmask.lab.figures import runs as draw
from gradmask.lab.reports.stats import Course, Interval


def test_learning_curves_show_every_seed_and_the_mean():
    losses, accuracies = [[0.6, 0.2], [0.4, 0.4]], [[0.4, 0.8], [0.6, 0.6]]
    loss, accuracy = draw.learning_curves({"plain": losses}, {"plain": accuracies}).axes
    drawn = [line.get_ydata() for line in loss.lines]
    assert np.allclose(drawn, [[0.6, 0.2], [0.4, 0.4], [0.5, 0.3]])
    assert np.allclose(accuracy.lines[-1].get_ydata(), [50, 70])
    assert list(loss.lines[0].get_xdata()) == [1, 2]


def test_the_path_pairs_loss_with_accuracy_of_the_same_epoch_and_joins_the_means():
    losses, shares = [[0.8, 0.2], [0.2, 0.2]], [[0.4, 0.8], [0.6, 0.6]]
    (ax,) = draw.same_training_loss({"mask": losses}, {"mask": shares}).axes
    dots, means, end = ax.lines
    assert np.allclose(dots.get_data(), [[0.8, 0.2, 0.2, 0.2], [40, 80, 60, 60]])
    assert np.allclose(means.get_data(), [[0.4, 0.2], [50, 70]])
    assert np.allclose(end.get_data(), [[0.2], [70]])
    assert end.get_label() == "mask, at the end"


def test_a_way_is_drawn_over_its_training_losses_with_intervals():
    path = Course([1.0, 0.1], [Interval(0.5, 0.4, 0.7), Interval(0.3, 0.3, 0.3)])
    dot = Course([0.2], [Interval(0.6, 0.5, 0.8)])
    (ax,) = draw.over_training_loss({"all": {"plain": path, "mask": dot}}, "%").axes
    plain, mask = (container.lines[0] for container in ax.containers)
    assert np.allclose(plain.get_data(), [[1.0, 0.1], [50, 30]])
    assert np.allclose(mask.get_data(), [[0.2], [60]])
    (bar,) = ax.containers[1].lines[2]
    assert np.allclose(bar.get_segments(), [[[0.2, 50], [0.2, 80]]])
    assert ax.xaxis_inverted()


def test_pairs_are_the_same_dots_twice_and_joined_once():
    values = {"plain": [0.5, 0.6], "mask": [0.7, 0.9]}
    difference = Interval(25.0, 12.3, 37.7)
    clouds, joined = draw.pairs(values, {"a": difference, "b": difference}).axes
    dots = [line.get_xydata().tolist() for line in clouds.lines]
    assert np.allclose(dots, [[[0, 50], [0, 60]], [[1, 70], [1, 90]]])
    lines = [line.get_xydata().tolist() for line in joined.lines]
    assert np.allclose(lines[:2], dots)
    assert np.allclose(lines[2:], [[[0, 50], [1, 70]], [[0, 60], [1, 90]]])
    assert clouds.get_title() == "a: +25.0 [+12.3, +37.7]"


def test_attention_shows_every_seed_and_the_mean():
    (ax,) = draw.attention_through({"mask": [[0.1, 0.4], [0.3, 0.6]]}).axes
    drawn = [line.get_ydata() for line in ax.lines]
    assert np.allclose(drawn, [[10, 40], [30, 60], [20, 50]])
    assert list(ax.lines[0].get_xdata()) == [0, 1]


def test_through_training_shows_every_seed_and_the_mean():
    runs = [[0, 0.1, 0.4], [1, 1.1, 1.4]]
    families = dict.fromkeys(("cnn", "vgg", "resnet", "mobilenet"), runs)
    quantities = {"Q": {"fashion": families, "scenes": families}}
    top, *_ = draw.through_training(
        quantities | {"LGQ": quantities["Q"]}, [0, 1, 4]
    ).axes
    first, second, mean = top.lines[:3]
    assert np.allclose(first.get_ydata(), [0, 0.1, 0.4])
    assert np.allclose(second.get_ydata(), [1, 1.1, 1.4])
    assert np.allclose(mean.get_ydata(), [0.5, 0.6, 0.9])


def test_gap_has_a_dot_for_run_and_epoch():
    places = itertools.product(("fashion", "scenes"), ("cnn", "vgg"))
    dots = {place: [[i, 2.0 * i], [i + 0.5, 9]] for i, place in enumerate(places)}
    panels = {
        label: {
            data: {family: dots[data, family] for family in ("cnn", "vgg")}
            for data in ("fashion", "scenes")
        }
        for label in ("Q", "LGQ")
    }
    for ax in draw.gap(panels, "gap").axes:
        drawn = np.concatenate([np.transpose(line.get_data()) for line in ax.lines])
        assert np.allclose(drawn, np.concatenate(list(dots.values())))
