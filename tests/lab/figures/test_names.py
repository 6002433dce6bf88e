"""Names at the ends of lines: where they stand, how far apart, how dark."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from gradmask.lab.figures.names import apart, name_ends, readable

PLACES = st.lists(st.floats(0, 1), max_size=7)


@given(PLACES, st.floats(0.01, 0.3))
def test_places_keep_their_order_and_their_distance(places, gap):
    moved = np.array(apart(places, gap))
    order = np.argsort(places, kind="stable")
    assert (np.diff(moved[order]) >= gap - 1e-9).all()
    assert moved.sum() == pytest.approx(sum(places))


def test_places_that_are_far_enough_apart_stay():
    assert apart([0.9, 0.1, 0.5], 0.4) == pytest.approx([0.9, 0.1, 0.5])


@pytest.mark.parametrize("seed", range(5))
def test_places_are_moved_as_little_as_possible(seed):
    places = np.sort(np.random.default_rng(seed).random(5))
    found = minimize(
        lambda moved: np.square(moved - places).sum(),
        np.linspace(0, 1, 5),
        constraints={"type": "ineq", "fun": lambda moved: np.diff(moved) - 0.2},
        options={"ftol": 1e-12},
    )
    assert apart(places, 0.2) == pytest.approx(found.x, abs=1e-4)


@pytest.mark.parametrize(
    ("colour", "text"), [("black", "#000000"), ("#0072b2", "#0072b2")]
)
def test_a_dark_colour_stays(colour, text):
    assert readable(colour) == text


def test_a_light_colour_becomes_dark_enough_and_keeps_its_hue():
    # WebAIM's contrast checker gives #767676 a ratio of 4.54 to white, #777777 4.48.
    assert readable("#777777") < "#777777"
    assert readable("#767676") == "#767676"
    red, green, blue = (int(readable("#e69f00")[i : i + 2], 16) for i in (1, 3, 5))
    assert red / green == pytest.approx(0xE6 / 0x9F, rel=0.02)
    assert blue == 0


def test_names_stand_at_the_right_ends_in_reading_order():
    _, ax = plt.subplots()
    ax.plot([0, 2, 1], [0.0, 1.0, 5.0], color="#0072b2", label="turns back")
    ax.errorbar([0, 2], [1.0, 1.01], [0.1, 0.1], color="#e69f00", label="close by")
    ax.margins(0, 0.5)
    name_ends(ax)
    first, second = ax.texts
    assert [first.get_text(), second.get_text()] == ["turns back", "close by"]
    assert first.xy[0] == second.xy[0] == pytest.approx(1)
    assert first.xy[1] < (1 + 2.5) / (2 * 5) < second.xy[1]
    assert not first.get_window_extent().overlaps(second.get_window_extent())
    assert first.get_color() == "#0072b2"
