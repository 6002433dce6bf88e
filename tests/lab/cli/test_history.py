"""The folder of a training, whatever it is a training of."""

import json
import math

import torch
from torch import nn

from gradmask.lab.cli.history import PENDING, History

CPU = torch.device("cpu")


def test_what_is_not_finite_is_none_so_that_the_history_stays_json(tmp_path):
    history = History.open(tmp_path, {"seed": 0}, CPU)
    (tmp_path / PENDING).write_text("state", "utf-8")
    history.add({"epoch": 1, "loss": math.nan, "seconds": 2.5})
    text = (tmp_path / "history.json").read_text("utf-8")
    (row,) = json.loads(text)["epochs"]
    assert row == {"epoch": 1, "loss": None, "seconds": 2.5}
    assert (tmp_path / "state.pt").read_text("utf-8") == "state"


def test_only_a_state_that_belongs_to_a_history_is_gone_on_from(tmp_path):
    (tmp_path / "state.pt").write_text("of something else", "utf-8")
    History.open(tmp_path, {"seed": 0}, CPU)
    assert not (tmp_path / PENDING).exists()
    (tmp_path / "state.pt").write_text("of this", "utf-8")
    History.open(tmp_path, {"seed": 0}, CPU)
    assert (tmp_path / PENDING).read_text("utf-8") == "of this"


def test_at_the_end_the_weights_are_there_and_nothing_half_done(tmp_path):
    history, model = History.open(tmp_path / "out", {}, CPU), nn.Linear(2, 1)
    (tmp_path / "out" / PENDING).write_text("", "utf-8")
    history.close(model)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["history.json", "model.pt"]
    state = torch.load(tmp_path / "out" / "model.pt", weights_only=True)
    assert torch.equal(state["weight"], model.weight)
