"""Figures and tables of effects show the intervals that the statistics give."""

import numpy as np
import pytest
import torch

from gradmask.lab.data.shortcuts import stripe_response
from gradmask.lab.figures import ablations, hunt, results
from gradmask.lab.reports.comparison import baselines, effect
from gradmask.lab.reports.stats import mean_interval
from gradmask.lab.reports.tables import attack_table

VALUES = {
    "plain": [0.5, 0.6, 0.55],
    "theory": [0.6, 0.7, 0.64],
    "theory, random": [0.4, 0.7, 0.6],
    "theory, top-k": [0.7, 0.81, 0.73],
}


@pytest.fixture(scope="module")
def rows():
    return [
        {"seed": seed, "variant": name, "epochs": 3, "train loss": 0.1, "x": value}
        for name, values in VALUES.items()
        for seed, value in enumerate(values)
    ]


def drawn(ax):
    bars = [line.get_xdata() for line in ax.lines if line.get_linestyle() == "-"]
    dots = [
        line for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata())
    ]
    return bars, dots


def swapped(rows, variant, baseline, quantity):
    return effect(rows, baseline, variant, quantity)


@pytest.mark.parametrize("compare", [effect, swapped])
def test_a_forest_draws_every_variant_against_the_baseline(rows, compare):
    names = ["plain", "theory, random", "theory, top-k"]
    (ax,) = ablations.forest(rows, names, "theory", {"x": "accuracy"}, compare).axes
    bars, dots = drawn(ax)
    for name, bar, dot in zip(names, bars, dots, strict=False):
        mean, low, high = (100 * v for v in compare(rows, name, "theory", "x"))
        assert np.allclose(bar, [low, high])
        assert np.allclose(dot.get_xdata(), mean)
        assert (dot.get_markerfacecolor() == "white") == (low <= 0 <= high)
    assert [label.get_text() for label in ax.get_yticklabels()] == names


def test_regimes_draw_four_baselines_for_each(rows):
    twice = {"one": rows, "other": rows}
    (ax,) = hunt.regimes(twice, "theory", {"x": "accuracy"}).axes
    _, dots = drawn(ax)
    expected = [100 * effect(rows, "theory", n, "x").mean for n in baselines("theory")]
    assert np.allclose([dot.get_xdata()[0] for dot in dots], expected * 2)
    heights = [dot.get_ydata()[0] for dot in dots]
    assert heights == sorted(heights, reverse=True)


def test_regimes_draw_the_controls_that_are_asked_for(rows):
    (ax,) = hunt.regimes({"one": rows}, "theory", {"x": "y"}, ["plain", "top-k"]).axes
    _, dots = drawn(ax)
    expected = [effect(rows, "theory", n, "x").mean for n in ("plain", "theory, top-k")]
    assert [d.get_xdata()[0] / 100 for d in dots] == pytest.approx(expected)


def test_answers_add_up_to_all_scenes(rows):
    told = [row | {"test accuracy": row["x"] / 2, "misled": 0.3} for row in rows]
    (ax,) = hunt.answers({"all": told}, ["plain", "theory"]).axes
    widths = np.array([[bar.get_width() for bar in bars] for bars in ax.containers])
    assert widths[0] == pytest.approx(
        [100 * np.mean(VALUES[n]) / 2 for n in VALUES][:2]
    )
    assert widths[1] == pytest.approx([30, 30])
    assert widths.sum(0) == pytest.approx([100, 100])


def test_schedules_draw_every_length_of_training_in_its_order(rows):
    longer = [row | {"epochs": 9, "x": row["x"] / 2} for row in rows]
    styles = {"plain": "plain", "theory": "mask"}
    (ax,) = results.schedules(longer + rows, styles, {"x": "accuracy"}).axes
    for name, line, band in zip(styles, ax.lines, ax.collections, strict=True):
        intervals = [
            mean_interval([value / share for value in VALUES[name]]) for share in (1, 2)
        ]
        mean, low, high = 100 * np.array(intervals).T
        assert line.get_label() == name
        assert np.array_equal(line.get_xdata(), [3, 9])
        assert np.allclose(line.get_ydata(), mean)
        ends = {tuple(v) for v in band.get_paths()[0].vertices.round(9)}
        for edge in (low, high):
            assert set(zip([3.0, 9.0], edge.round(9), strict=True)) <= ends


def test_a_lead_is_drawn_over_what_its_kernel_sees(rows):
    lead = hunt.Lead(4.0, 16, effect(rows, "theory", "plain", "x"))
    _, ax = hunt.blindness([lead]).axes
    _, dots = drawn(ax)
    (dot,) = dots
    assert dot.get_xdata()[0] == pytest.approx(stripe_response(4, 16))
    assert dot.get_ydata()[0] == pytest.approx(100 * lead.interval.mean)


def test_scenes_carry_a_circle_each():
    found = hunt.scenes({"a": torch.zeros(9, 9), "b": torch.ones(9, 9)}, radius=3)
    assert [ax.patches[-1].radius for ax in found.axes] == [3, 3]
    assert [ax.get_title() for ax in found.axes] == ["a", "b"]


def test_the_table_of_attacks_counts_what_passed():
    rows = [
        {"variant": "plain", "epochs": e, "white_box": w, "auto attack": a, "passed": p}
        for e, w, a, p in [
            (2, 0.2, 0.1, True),
            (2, 0.4, 0.1, False),
            (3, 0.1, 0.1, True),
        ]
        for _ in range(2)
    ]
    text = attack_table(rows).data
    assert "plain, 2 epochs" in text
    assert "plain, 3 epochs" in text
    assert "<td>2 of 4</td>" in text
    assert "<td>2 of 2</td>" in text
    assert "<td>10.0 [10.0, 10.0]</td>" in text
