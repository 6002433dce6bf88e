"""Means of the record of gradient quality, by run, layer and epoch."""

import numpy as np

from gradmask.lab.reports.quality import pivot, through_training

ROWS = [
    {"seed": seed, "data": data, "family": "cnn", "epoch": epoch, "layer": layer}
    | {"q": seed + 10 * epoch + (layer == "a")}
    for data in ("fashion", "scenes")
    for seed in (0, 1)
    for epoch in (4, 0)
    for layer in "ba"
]


def test_a_pivot_averages_cells_sorts_columns_and_keeps_the_order_of_lines():
    found = pivot(ROWS, "layer", "epoch", "q")
    assert np.allclose(found, [[0.5, 40.5], [1.5, 41.5]])


def test_runs_are_by_data_family_and_seed():
    found = through_training(ROWS, "q")
    assert list(found) == ["fashion", "scenes"]
    assert np.allclose(found["scenes"]["cnn"], [[0.5, 40.5], [1.5, 41.5]])
