"""Predicted against measured gains of a whole network."""

from dataclasses import replace

import pytest
import torch

from gradmask.lab.experiments.registry import experiment
from gradmask.lab.measures.layers.prediction import gain_rows
from gradmask.lab.networks.small import FAMILIES
from gradmask.lab.reports.gain import PREDICTORS


def test_the_oracle_is_predicted_exactly_from_its_own_scenes(scenes):
    model = FAMILIES["resnet"](seed=0)
    twice = scenes[torch.arange(6).repeat(2)]
    for row in gain_rows(model, twice, 6, {"oracle": None}):
        assert (row["hit"], row["false alarm"]) == (1, 0)
        if row["gain"] > 0:
            assert row["regions"] == pytest.approx(row["gain"], rel=1e-3)


@pytest.mark.parametrize("name", ["premise", "layer_gain"])
def test_the_experiments_give_tidy_rows(name):
    chosen = replace(experiment(name).smoke(), samples=4, scenes=64)
    if name == "premise":
        chosen = replace(chosen, heads=("average", "dense"))
    rows = chosen.run(0, torch.device("cpu"))
    assert len({tuple(row) for row in rows}) == 1
    assert {row["epoch"] for row in rows} == {0, 1}
    if name == "layer_gain":
        assert set(PREDICTORS) < set(rows[0])
        assert {row["select"] for row in rows} == {
            "lateral",
            "random",
            "top-k",
            "oracle",
        }
    else:
        # The dense head's own convolution predicts the mask, and is looked at, too.
        layers = {h: [r for r in rows if r["head"] == h] for h in chosen.heads}
        assert len(layers["dense"]) > len(layers["average"])
