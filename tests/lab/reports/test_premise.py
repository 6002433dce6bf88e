"""Where errors lie is told layer by layer, and gains are ratios of sums."""

import math

import pytest

from gradmask.lab.reports.gain import pooled
from gradmask.lab.reports.premise import concentration, gains, gains_table, lengths
from gradmask.lab.reports.stats import mean_interval


def rows():
    """Three seeds, two epochs, three layers and two masks, the second twice as good."""
    return [
        {
            "seed": seed,
            "epoch": epoch,
            "layer": layer,
            "side": 32 >> depth,
            "mask": mask,
            "loudest tenth": 0.3 + 0.1 * depth + 0.1 * epoch + 0.01 * seed,
            "q": 0.02 * (1 + epoch) + 0.001 * seed,
            "signal": gain * (1 - 0.1 * epoch),
            "noise": 0.5 + 0.1 * depth + 0.02 * seed,
            "along": 1.0,
        }
        for seed in range(3)
        for epoch in (0, 2)
        for depth, layer in enumerate(("4", "8", "15"))
        for mask, gain in (("theory", 0.4), ("weights", 0.8))
    ]


def test_concentration_is_drawn_over_epochs_by_layer():
    panels = concentration({"scenes": rows(), "CIFAR-10": rows()})
    assert [list(own) for own in panels.values()] == [["scenes", "CIFAR-10"]] * 3
    third = panels["third layer"]["scenes"]
    assert third.x == [0, 2]
    assert third.y[1] == pytest.approx(mean_interval([0.7, 0.71, 0.72]))


def test_gains_leave_out_what_was_measured_before_training():
    found = gains(rows(), "theory")
    for depth, (place, gain) in enumerate(found.items()):
        own = [
            row
            for row in rows()
            if row["epoch"] == 2
            and row["mask"] == "theory"
            and row["side"] == 32 >> depth
        ]
        assert gain.low < pooled(own).gain < gain.high, place
    twice = gains(rows(), "weights")
    for place, gain in found.items():
        assert twice[place].mean == pytest.approx(2 * gain.mean)
        assert math.log(twice[place].high / twice[place].low) == pytest.approx(
            math.log(gain.high / gain.low)
        )


def test_lengths_are_those_of_pooled_gradients():
    found = lengths(rows(), "weights", 64)
    wanted = {"epoch": 2, "mask": "weights", "side": 8}
    own = [row for row in rows() if wanted.items() <= row.items()]
    assert found["third layer"] == pooled(own).length(64)
    assert lengths(rows(), "theory", 64)["third layer"] < found["third layer"]


def test_the_table_has_a_row_for_each_layer_of_each_kind_of_images():
    shown = gains_table({"scenes": rows()}, {"theory": "from theory"}).data
    assert shown.count("scenes, ") == 3
    assert "scenes, second layer (16x16)" in shown
    assert ">6.1<" in shown
