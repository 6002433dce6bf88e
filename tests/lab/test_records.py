"""Records survive whatever happens to the run that makes them."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
import torch

from gradmask.lab import __main__ as cli
from gradmask.lab import experiments, records
from gradmask.lab.provenance import provenance

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "book/records"
SCHEMA = json.loads((FOLDER / "schema.json").read_text("utf-8"))
RECORDS = sorted(set(FOLDER.glob("*.json")) - {FOLDER / "schema.json"})


class Trial:
    """An experiment of the test's own."""

    PROFILES = {  # noqa: RUF012
        "smoke": {"seeds": 3, "size": 1},
        "laptop": {"seeds": 3, "size": 2},
        "gpu": {"seeds": 3, "size": 2},
    }

    def __init__(self, fails=()):
        self.fails = fails
        self.ran = []

    def run(self, config, seed, device):
        self.ran.append(seed)
        if seed in self.fails:
            raise RuntimeError("boom")
        values = {"plain": 0.1 * seed, "mask": float("nan")}
        return [{"variant": name, "accuracy": v} for name, v in values.items()]


@pytest.fixture
def trial(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADMASK_RECORDS", str(tmp_path))
    trial = Trial()
    monkeypatch.setattr(experiments, "experiment", lambda name: trial)
    return trial


def run(*words):
    return cli.main(["run", "trial", "--device", "cpu", *words])


def test_a_run_makes_a_record_that_can_be_read_back(trial, tmp_path):
    assert run() == 0
    record = records.load("trial")
    assert record.config == {"size": 2}
    assert [row["seed"] for row in record.rows] == [0, 0, 1, 1, 2, 2]
    assert record.rows[2] == {"seed": 1, "variant": "plain", "accuracy": 0.1}
    assert record.rows[3]["accuracy"] is None
    assert torch.__version__ in record.provenance
    stored = json.loads((tmp_path / "trial.json").read_text("utf-8"))
    jsonschema.validate(stored, SCHEMA)


def test_a_second_run_makes_only_what_is_missing(trial):
    run("--seeds", "1")
    assert run() == 0
    assert trial.ran == [1, 0, 2]
    assert run("--seeds", "0-2,4") == 0
    assert trial.ran == [1, 0, 2, 4]
    assert sorted(records.load("trial").runs) == [0, 1, 2, 4]


def test_a_failed_seed_is_named_and_the_others_go_on(trial, capsys):
    trial.fails = (1,)
    assert run() == 1
    assert sorted(records.load("trial").runs) == [0, 2]
    assert "failed seeds: 1" in capsys.readouterr().err


def test_a_record_of_another_configuration_is_refused(trial, capsys):
    run()
    assert run("--profile", "smoke") == 2
    assert "another configuration" in capsys.readouterr().err
    assert trial.ran == [0, 1, 2]


def test_a_missing_record_or_experiment_is_named(trial, capsys, monkeypatch):
    assert cli.main(["show", "nothing"]) == 2
    assert "run nothing" in capsys.readouterr().err
    monkeypatch.undo()
    assert cli.main(["run", "nothing"]) == 2
    assert "no experiment 'nothing'" in capsys.readouterr().err


def test_show_gives_means_with_their_intervals(trial, capsys):
    run()
    assert cli.main(["show", "trial"]) == 0
    shown = capsys.readouterr().out
    assert "variant=plain" in shown
    assert "accuracy                 0.1 [-0.1484, 0.3484]" in shown


def test_a_run_whose_rows_differ_in_their_keys_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADMASK_RECORDS", str(tmp_path))
    made = provenance(torch.device("cpu"))
    run = records.Run(0, [{"a": 1}, {"b": 1}], 0.0, made)
    with pytest.raises(ValueError, match="same keys"):
        records.save_run("odd", "smoke", {}, run)
    assert not (tmp_path / "odd.json").exists()


def _save_seeds(first):
    made = provenance(torch.device("cpu"))
    for seed in range(first, 20, 2):
        rows = [{"x": seed}]
        records.save_run("shared", "smoke", {}, records.Run(seed, rows, 0.0, made))


def test_two_processes_share_a_record(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADMASK_RECORDS", str(tmp_path))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(_save_seeds, range(2))
    assert [row["x"] for row in records.load("shared").rows] == list(range(20))


KILLED = """
import torch
from gradmask.lab import records
from gradmask.lab.provenance import provenance
made = provenance(torch.device("cpu"))
for seed in range(10**6):
    rows = [{"x": seed}] * 200
    records.save_run("killed", "smoke", {}, records.Run(seed, rows, 0.0, made))
"""


def test_a_killed_run_leaves_a_whole_record(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADMASK_RECORDS", str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", KILLED], env=dict(os.environ))
    deadline = time.monotonic() + 60
    path = tmp_path / "killed.json"
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    runs = records.load("killed").runs
    assert list(runs) == list(range(len(runs)))
    assert all(len(run.rows) == 200 for run in runs.values())


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_committed_record_fits_the_schema_and_its_experiment(path):
    stored = json.loads(path.read_text("utf-8"))
    jsonschema.validate(stored, SCHEMA)
    assert stored["experiment"] == path.stem
    assert all(
        len(row) == len(run["columns"])
        for run in stored["runs"]
        for row in run["values"]
    )
    profiles = experiments.experiment(path.stem).PROFILES
    config = {k: v for k, v in profiles[stored["profile"]].items() if k != "seeds"}
    assert stored["config"] == json.loads(json.dumps(config))


@pytest.mark.parametrize("name", experiments.names())
def test_every_experiment_says_what_it_does(name):
    chosen = experiments.experiment(name)
    assert len(chosen.__doc__.splitlines()) > 2
    assert set(chosen.PROFILES) == {"smoke", "laptop", "gpu"}
    assert all(config["seeds"] >= 1 for config in chosen.PROFILES.values())
