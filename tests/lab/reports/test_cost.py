"""What overhead's record says of time and memory."""

import math

import pytest

from gradmask.lab.figures.effects import step_ratios
from gradmask.lab.reports.cost import averaged, ratios
from gradmask.lab.reports.tables import cost_table


def row(seed, variant, ratio, peak):
    numbers = {"ratio": ratio, "low": ratio - 0.1, "high": ratio + 0.1}
    labels = {"measured": "training step", "network": "net", "variant": variant}
    return {"seed": seed, **labels, **numbers, "milliseconds": 10.0, "peak_mb": peak}


ROWS = [
    row(0, "plain", 1.0, 100.0),
    row(0, "signal", 1.25, 103.0),
    row(1, "plain", 1.0, 100.0),
    row(1, "signal", 1.75, 103.0),
]


def test_seeds_are_averaged_and_memory_compared_with_plain():
    plain, signal = averaged(ROWS)
    assert (plain["ratio"], plain["memory"]) == (1, 1)
    assert signal["ratio"] == pytest.approx(1.5)
    assert (signal["low"], signal["high"]) == pytest.approx((1.4, 1.6))
    assert signal["memory"] == pytest.approx(1.03)


def test_memory_is_no_number_where_a_plain_step_allocates_nothing():
    rows = [row(0, "plain", 1.0, 0.0), row(0, "signal", 1.1, 0.0)]
    assert math.isnan(averaged(rows)[1]["memory"])


def test_ratios_leave_plain_training_out():
    found = ratios(ROWS)["net"]
    assert list(found) == ["signal"]
    assert found["signal"] == pytest.approx((1.5, 1.4, 1.6))


def test_the_table_and_the_figure_show_the_averages():
    table = cost_table(ROWS, {"signal": "signal route", "theory": "theory"}).data
    assert "<td>net</td><td>1.50 [1.40, 1.60]</td><td>–</td>" in table
    (ax,) = step_ratios(ratios(ROWS)).axes
    bar, dot, one = ax.lines
    assert list(bar.get_xdata()) == pytest.approx([1.4, 1.6])
    assert list(dot.get_xdata()) == pytest.approx([1.5])
    assert list(one.get_xdata()) == [1, 1]
