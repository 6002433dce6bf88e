"""The figures draw what they are given; their looks are for eyes to judge."""

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

import gradmask as gm
from gradmask.lab.data.scenes import Scenes
from gradmask.lab.figures import inhibition, mask, style, training
from gradmask.lab.measures.accuracy import Epoch, Score
from gradmask.lab.reports.stats import Interval


def history(*losses: float) -> list[Epoch]:
    return [Epoch(i, Score(x, 0.5), Score(x, 1 - x)) for i, x in enumerate(losses)]


def test_a_map_is_drawn_as_it_is_and_a_signed_one_about_zero():
    figure, ax = style.panels(1)
    field = torch.tensor([[0.0, -3.0], [1.0, 2.0]])
    style.show_map(ax, field, "title", signed=True)
    (image,) = ax.images
    assert np.array_equal(image.get_array(), field)
    assert image.get_clim() == (-3, 3)
    style.done(figure)


def test_learning_curves_show_every_seed_and_the_mean():
    runs = {"plain": [history(0.6, 0.2), history(0.4, 0.4)]}
    loss, accuracy = training.learning_curves(runs).axes
    drawn = [line.get_ydata() for line in loss.lines]
    assert np.allclose(drawn, [[0.6, 0.2], [0.4, 0.4], [0.5, 0.3]])
    assert np.allclose(accuracy.lines[-1].get_ydata(), [50, 70])


def test_the_path_pairs_loss_with_accuracy_of_the_same_epoch():
    (ax,) = training.same_training_loss({"mask": [history(0.6, 0.2)]}).axes
    x, y = ax.lines[0].get_data()
    assert np.allclose(x, [0.6, 0.2])
    assert np.allclose(y, [40, 80])


def test_differences_draw_the_interval_and_mark_zero():
    (ax,) = training.differences({"mask": Interval(1.0, -1.0, 3.0)}, "points").axes
    bar, dot, zero = ax.lines
    assert list(bar.get_xdata()) == [-1, 3]
    assert list(dot.get_xdata()) == [1]
    assert list(zero.get_xdata()) == [0, 0]


def test_every_layer_shows_the_energy_and_what_is_kept():
    delta = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    rule = gm.GradientMask(1.0)
    upper, lower = mask.every_layer({"relu": delta}, rule).axes
    energy = gm.functional.error_energy(delta[:1])
    assert np.allclose(upper.images[0].get_array(), energy[0, 0])
    kept = energy * rule.mask(delta[:1])
    assert np.allclose(lower.images[0].get_array(), kept[0, 0])


def test_anatomy_has_a_row_for_every_scene():
    outline = torch.zeros(2, 9, 9, dtype=torch.bool)
    outline[:, 2:5, 2:5] = True
    scenes = Scenes(
        torch.rand(2, 1, 9, 9),
        torch.zeros(2),
        outline,
        torch.tensor([[2, 2, 5, 5]] * 2),
    )
    figure = mask.anatomy(
        scenes, torch.randn(2, 3, 9, 9), gm.laplacian_of_gaussian(1.0)
    )
    assert len(figure.axes) == 10
    assert len(mask.scene_sheet(scenes, ("bag",), count=2).axes) == 2


def test_the_matched_difference_of_gaussians_changes_sign_with_the_laplacian():
    sigma = inhibition.centre_of_difference(8.0)
    profile = gm.functional.difference_of_gaussians(sigma, size=61)[30, 30:]
    crossing = int((profile < 0).nonzero()[0])
    assert crossing == pytest.approx(np.sqrt(2) * 8.0, abs=1)


@pytest.mark.parametrize(
    "draw", [inhibition.balance, inhibition.kernel_profiles, mask.routes]
)
def test_pictures_without_arguments_are_drawn_twice_alike(draw):
    def pixels() -> np.ndarray:
        canvas = FigureCanvasAgg(draw())
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())

    with mpl.rc_context():
        style.use_style()
        assert np.array_equal(pixels(), pixels())


def test_a_disc_has_its_radius():
    area = inhibition.disc(6, 41).sum().item()
    assert area == pytest.approx(np.pi * 36, rel=0.05)
