"""Layers by epoch and side, read off rows made up by hand."""

import itertools

import numpy as np
import pytest

from gradmask.lab.reports.gain import pooled
from gradmask.lab.reports.layers import (
    contrast_courses,
    layer_gains,
    layer_rates,
    settings,
)
from gradmask.lab.reports.stats import over_seeds


def test_contrasts_are_geometric_means_over_layers_then_over_seeds():
    rows = [
        {"energy": kind, "head": head, "side": 8, "epoch": epoch, "seed": seed}
        | {"contrast": 2.0 ** (layer + seed + epoch)}
        for kind, head, epoch, seed, layer in itertools.product(
            ("error", "contribution"), ("max", "dense"), (0, 3), (0, 1), (0, 2)
        )
    ]
    found = contrast_courses(rows)
    assert list(found) == ["error", "contribution"]
    assert list(found["error"]) == ["max", "dense"]
    line = found["error"]["dense"][8]
    assert list(line.x) == [0, 3]
    assert [y.mean for y in line.y] == pytest.approx([2**1.5, 2**4.5])
    own = [{"seed": s, "x": 2.0 ** (1 + s)} for s in (0, 1)]
    by_hand = over_seeds(own, lambda rows: rows[0]["x"], geometric=True)
    assert line.y[0] == pytest.approx(by_hand)


def rows_of_layers():
    generator = np.random.default_rng(0)
    names = ("q", "signal", "noise", "along", "contrast", "hit", "false alarm")
    return [
        {"seed": seed, "mask": mask, "layer": layer, "epoch": epoch, "side": side}
        | {name: generator.uniform(0.1, 1) for name in names}
        for seed, mask, epoch, (layer, side) in itertools.product(
            (0, 1), ("a", "b"), (0, 2), (("first", 32), ("last", 8))
        )
    ]


def test_layers_are_pooled_over_seeds():
    rows = rows_of_layers()
    gains, rates = layer_gains(rows, "a"), layer_rates(rows, "a")
    places = [(0, 32), (0, 8), (2, 32), (2, 8)]
    assert [(each.epoch, each.side) for each in gains] == places
    assert [(each.epoch, each.side) for each in rates] == places
    same = [r for r in rows if (r["mask"], r["epoch"], r["side"]) == ("a", 2, 8)]
    assert len(same) == 2
    assert gains[3].gain == pooled(same).gain
    for value, key in (
        (gains[3].contrast, "contrast"),
        (rates[3].hit, "hit"),
        (rates[3].false_alarm, "false alarm"),
    ):
        assert value == pytest.approx((same[0][key] + same[1][key]) / 2)


def test_settings_are_tables_of_scales_and_sides():
    choices = itertools.product(
        ("error", "contribution"), (1.0, 0.0), (0.5, 0.25), (8, 32, 16)
    )
    rows = [
        {"select": "lateral", "mask": "x", "energy": energy, "threshold": threshold}
        | {"sigma": sigma, "side": side, "q": 0.5, "noise": 1.0, "along": 1.0}
        | {"signal": side * sigma + threshold}
        for energy, threshold, sigma, side in choices
    ]
    other = rows[0] | {"select": "random", "sigma": 9.0}
    fixed = rows[0] | {"mask": "5x5", "sigma": 3.0}
    found = settings([*rows, other, fixed])
    assert (found.sigmas, found.sides) == ([0.25, 0.5], [32, 16, 8])
    assert list(found.gains) == [
        (energy, threshold)
        for energy in ("error", "contribution")
        for threshold in (0.0, 1.0)
    ]
    assert np.allclose(found.gains["error", 1.0], [[9, 5, 3], [17, 9, 5]])
