"""The pictures of gradient quality draw what they are given."""

import itertools

import numpy as np
import torch

from gradmask.lab.figures import quality as draw
from gradmask.lab.figures import quality_record as draw_record
from gradmask.lab.reports.stats import Interval


def record(seeds=(0, 1), epochs=(0, 1, 4)):
    return [
        {
            "seed": seed,
            "data": data,
            "family": family,
            "epoch": epoch,
            "layer": layer,
            "q": 0.1 * epoch + seed,
            "lgq": 0.2 * epoch,
            "gap": float(epoch),
            "object_share": float(layer == "b"),
        }
        for seed, data, family, epoch, layer in itertools.product(
            seeds, draw_record.DATA, draw_record.FAMILIES, epochs, "ab"
        )
    ]


def test_agreement_is_ordered_by_class():
    matrix = torch.arange(9.0).view(3, 3)
    figure = draw.agreement({"title": matrix}, torch.tensor([1, 0, 1]))
    order = [1, 0, 2]
    assert np.array_equal(figure.axes[0].images[0].get_array(), matrix[order][:, order])


def test_estimates_draw_the_means_and_the_truth():
    corrected = torch.rand(2, 50)
    (ax,) = draw.estimates([4, 8], corrected + 0.2, corrected, 0.5).axes
    above, below, truth = ax.lines
    assert np.allclose(above.get_ydata(), corrected.mean(1) + 0.2)
    assert np.allclose(below.get_ydata(), corrected.mean(1))
    assert list(truth.get_ydata()) == [0.5, 0.5]


def test_the_jackknife_has_a_line_and_dots_for_every_number_of_samples():
    ratios, predicted = {8: [1.5, 1.0]}, {8: [1.5, 1.2, 1.0]}
    (ax,) = draw.jackknife([0, 1], ratios, [0, 0.5, 1], predicted).axes
    line, dots, one = ax.lines
    assert list(line.get_ydata()) == predicted[8]
    assert list(dots.get_ydata()) == ratios[8]
    assert set(one.get_ydata()) == {1}


def test_one_step_draws_the_formula():
    q = Interval(0.25, -0.1, 0.5)
    (ax,) = draw.one_step([1, 4], [Interval(0.2, 0.1, 0.3)] * 2, q).axes
    n, share = ax.lines[0].get_data()
    assert np.allclose(share, 1 / (1 + 3 / n))


def test_kept_by_energy_averages_groups_of_equal_size():
    energy = torch.arange(1.0, 33)
    figure = draw.kept_by_energy({"noise": (energy, energy > 16, energy / 32)}, bins=2)
    formula, measured = figure.axes[0].lines
    assert np.allclose(measured.get_ydata(), [0, 1])
    assert np.allclose(formula.get_ydata(), [8.5 / 32, 24.5 / 32])


def test_calibration_marks_interval_and_formula():
    interval = Interval(0.1, 0.0, 0.2)
    row = {"contrast": interval, "nothing": interval, "object": interval, "null": 0.3}
    first, *_ = draw.calibration({"noise": row}).axes
    assert list(first.lines[0].get_xdata()) == [0.0, 0.2]
    assert list(first.lines[-1].get_xdata()) == [0.3]


def test_growth_has_quality_above_and_gain_below():
    points = [
        {"x": x, "measured": Interval(x, x, x), "predicted": 2 * x, "gain": 3 * x}
        for x in (1.0, 2.0)
    ]
    above, below = draw.growth({"sigma": points}).axes
    assert list(above.lines[0].get_ydata()) == [2, 4]
    assert list(below.lines[0].get_ydata()) == [3, 6]


def test_through_training_shows_every_seed_and_the_mean():
    rows = [row for row in record() if row["layer"] == "a"]
    top, *_ = draw_record.through_training(rows).axes
    first, second, mean = top.lines[:3]
    assert np.allclose(first.get_ydata(), [0, 0.1, 0.4])
    assert np.allclose(second.get_ydata(), [1, 1.1, 1.4])
    assert np.allclose(mean.get_ydata(), [0.5, 0.6, 0.9])


def test_by_layer_maps_layers_over_epochs():
    figure = draw_record.by_layer(record(), {"q": "Q", "object_share": "share"})
    assert np.allclose(figure.axes[0].images[0].get_array(), [[0.5, 0.6, 0.9]] * 2)
    assert np.allclose(figure.axes[4].images[0].get_array(), [[0] * 3, [1] * 3])


def test_relations_draw_an_interval_for_every_family():
    interval = Interval(0.5, 0.2, 0.8)
    table = {"pair": {("all", family): interval for family in draw_record.FAMILIES}}
    (ax,) = draw_record.relations(table, ["all"]).axes
    bars = [segment for bar in ax.collections for segment in bar.get_segments()]
    assert len(bars) == len(draw_record.FAMILIES)
    assert np.allclose([bar[:, 0] for bar in bars], [[0.2, 0.8]] * 4)


def test_gap_has_a_dot_for_run_and_epoch():
    rows = [row for row in record() if row["layer"] == "a"]
    left, right = draw_record.gap(rows).axes
    for ax, key in ((left, "q"), (right, "lgq")):
        drawn = np.concatenate([np.transpose(line.get_data()) for line in ax.lines])
        expected = [[row[key], row["gap"]] for row in rows]
        assert np.allclose(sorted(drawn.tolist()), sorted(expected))
