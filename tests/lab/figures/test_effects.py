"""Figures of effects show the intervals that they are handed."""

import numpy as np
import pytest
from support.intervals import drawn

from gradmask.lab.figures import effects as draw
from gradmask.lab.figures.finding import found
from gradmask.lab.figures.style import COMPARED, GUIDES
from gradmask.lab.reports.stats import Interval

LINES = {
    "one": Interval(0.1, 0.05, 0.15),
    "two": Interval(0.01, -0.1, 0.12),
    "three": Interval(-0.1, -0.2, -0.05),
}


@pytest.mark.parametrize("scale", [1, 100])
def test_a_forest_draws_every_interval_from_the_top_and_marks_zero(scale):
    (ax,) = draw.forest({"title": LINES}, "unit", scale=scale).axes
    (*bars, zero), dots = drawn(ax)
    for y, ((mean, low, high), bar, dot) in enumerate(
        zip(LINES.values(), bars, dots, strict=True)
    ):
        assert np.allclose(bar, [scale * low, scale * high])
        assert np.allclose(dot.get_xdata(), scale * mean)
        assert list(dot.get_ydata()) == [y]
        assert (dot.get_markerfacecolor() == "white") == (low <= 0 <= high)
    assert zero == [0, 0]
    assert [label.get_text() for label in ax.get_yticklabels()] == list(LINES)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_forests_that_hold_the_same_intervals_have_the_same_axis():
    alone = {"one": LINES["one"]}
    (all_of_them,), (narrow,), (wide,) = (
        draw.forest({"title": lines}, scale=100, within=within).axes
        for lines, within in ((LINES, ()), (alone, ()), (alone, LINES.values()))
    )
    assert wide.get_xlim() == all_of_them.get_xlim() != narrow.get_xlim()


def test_without_zero_all_dots_are_filled():
    (ax,) = draw.forest({"title": LINES}, zero=False).axes
    bars, dots = drawn(ax)
    assert len(bars) == len(dots) == len(LINES)
    assert all(dot.get_markerfacecolor() != "white" for dot in dots)


def test_several_intervals_of_a_line_stand_below_one_another():
    lines = {
        "one": {"resnet": Interval(1.0, 0.5, 1.5), "vgg": Interval(0.1, -1.0, 1.2)},
        "two": {"resnet": Interval(-1.0, -2.0, -0.5), "vgg": Interval(0.0, -1.0, 1.0)},
    }
    figure = draw.forest({"title": lines})
    (ax,) = figure.axes
    bars, dots = drawn(ax)
    expected = [interval for line in lines.values() for interval in line.values()]
    assert [tuple(bar) for bar in bars[:-1]] == [i[1:] for i in expected]
    assert [dot.get_xdata()[0] for dot in dots] == [i.mean for i in expected]
    filled = [dot.get_markerfacecolor() != "white" for dot in dots]
    assert filled == [True, False, True, False]
    heights = [dot.get_ydata()[0] for dot in dots]
    assert heights == sorted(heights)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["resnet", "vgg"]


def test_a_series_has_its_colour_and_says_what_it_is_compared_with():
    interval = Interval(1.0, 0.5, 1.5)
    lines = {"home": {"plain": interval, "top-k": interval}}
    figure = draw.compared({"title": lines})
    _, dots = drawn(figure.axes[0])
    assert [dot.get_xdata()[0] for dot in dots] == [100, 100]
    colours = [dot.get_markeredgecolor() for dot in dots]
    assert colours == [COMPARED["plain"].colour, COMPARED["top-k"].colour]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["vs. plain", "vs. top-k"]
    one = draw.forest({"t": {"random": interval}}, styles=GUIDES, minus=True).axes[0]
    _, (dot,) = drawn(one)
    assert dot.get_marker() == "s"
    assert [label.get_text() for label in one.get_yticklabels()] == ["vs. random"]


def test_a_forest_has_a_panel_for_every_title():
    figure = draw.forest({"left": LINES, "right": LINES})
    titles = [ax.get_title("left") or ax.get_title() for ax in figure.axes]
    assert titles == ["left", "right"]


def test_calibration_marks_interval_and_formula():
    line = {"noise": Interval(0.1, 0.0, 0.2)}
    panels = {"contrast": line, "nothing": line, "object": line}
    first, *_ = draw.calibration(panels, {"noise": 0.3}).axes
    assert list(first.lines[0].get_xdata()) == [0.0, 0.2]
    assert list(first.lines[-1].get_xdata()) == [0.3]


def test_steps_cost_what_they_cost_and_the_floor_is_hollow():
    ratios = {
        "net": {"signal": Interval(1.5, 1.4, 1.7), "signal, floor": Interval(1.2, 1, 2)}
    }
    (ax,) = draw.step_ratios(ratios).axes
    bars, dots = drawn(ax)
    assert bars == [[1.4, 1.7], [1, 2], [1, 1]]
    assert [dot.get_xdata()[0] for dot in dots] == [1.5, 1.2]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["signal", "signal, floor"]


def test_the_finding_has_a_dot_for_every_way_and_place():
    one = Interval(0.1, 0.05, 0.15)
    lines = {"a": {"here": one, "there": one}, "b": {"there": one}}
    figure = found(dict.fromkeys(["one", "two", "three", "four"], lines))
    for ax in figure.axes:
        dots = [line for line in ax.lines if line.get_marker() == "o"]
        assert [float(dot.get_xdata()[0]) for dot in dots] == pytest.approx([10.0] * 3)
        assert len({dot.get_mec() for dot in dots}) == 2
