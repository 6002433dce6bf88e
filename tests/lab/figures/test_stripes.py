"""Figures of stripes show the shares and the leads that they are handed."""

import numpy as np
import pytest
from support.intervals import drawn

from gradmask.lab.figures import stripes as draw
from gradmask.lab.reports.stats import Interval


def test_answers_add_up_to_all_scenes():
    bars = {"plain": (0.25, 0.3), "theory": (0.5, 0.3)}
    (ax,) = draw.answers({"all": bars}).axes
    widths = np.array([[bar.get_width() for bar in bars] for bars in ax.containers])
    assert widths[0] == pytest.approx([25, 50])
    assert widths[1] == pytest.approx([30, 30])
    assert widths.sum(0) == pytest.approx([100, 100])


def test_leads_stand_by_the_width_of_the_stripes_with_what_the_kernel_sees():
    narrow = draw.Lead(4.0, 8, 0.5, Interval(0.1, 0.05, 0.15))
    wide = draw.Lead(4.0, 16, 0.9, Interval(0.02, -0.01, 0.05))
    seen, led = draw.blindness([wide, narrow], [8, 16], {4.0: [0.5, 0.9]}).axes
    assert list(seen.lines[0].get_ydata()) == [50, 90]
    assert sorted(dot.get_xdata()[0] for dot in seen.lines[1:]) == [8, 16]
    _, dots = drawn(led)
    assert [dot.get_xdata()[0] for dot in dots] == pytest.approx([10, 2])
    assert [dot.get_ydata()[0] for dot in dots] == [0, 1]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True]
    assert [t.get_text() for t in led.get_yticklabels()] == ["8 pixels", "16 pixels"]
    assert [text.get_text() for text in led.texts] == ["sees 50 %", "sees 90 %"]
