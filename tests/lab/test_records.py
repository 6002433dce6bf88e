"""Records survive whatever happens to the run that makes them."""

import hashlib
import json
import multiprocessing
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import ClassVar

import jsonschema
import pytest
import torch

from gradmask.lab import records
from gradmask.lab.cli import main as cli
from gradmask.lab.experiments import registry
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.provenance import provenance
from gradmask.lab.settings import BUDGETS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "book/records"
SCHEMA = json.loads((FOLDER / "schema.json").read_text("utf-8"))
FORK = multiprocessing.get_context("fork")  # it imports nothing again
RECORDS = sorted(set(FOLDER.glob("*.json")) - {FOLDER / "schema.json"})

UNFINISHED = {
    "cifar10_airbench_confirm": 5,
    "cifar10_airbench_confirm_steps": 5,
    "cifar10_airbench_controls": 1,
    "fashion_mnist": 2,
    "soft_fashion_mnist": 1,
}
"""Records that have fewer seeds than were planned, and how many."""

DIGESTS = {
    "ablations": "fc23c999b1d2b2522b839b73b42f8bdd",
    "airbench_premise": "6be0589e296d75b301cb0f7f37f42f8c",
    "augmentation": "786e119abb1bef41d039029a28cb834d",
    "augmented_backgrounds": "7514733db58c7353cd6b3cbd6e1f7057",
    "augmented_scenes": "785c8eb77743e0a613265e35e25da908",
    "backgrounds_steps": "dae7dd16adbbc2c4f29ff10b95f464f0",
    "cifar10_airbench": "b6256b3dcd5af1f6f86e4e823b3b5398",
    "cifar10_airbench_confirm": "a41ce04ee5ac56d3287897d4c26bf6e3",
    "cifar10_airbench_confirm_steps": "60918b665ad9697b8db8e9184ce01c97",
    "cifar10_airbench_controls": "cc8ff3e496be4fd61b0ca9cfd91a7b5c",
    "cifar10_airbench_length": "0bfc1b9955aa5673ad29eb03d9ee7f26",
    "cifar10_airbench_readings": "1b4af54a74c1567b2d754debb3d32102",
    "cifar10_airbench_robustness": "f2bd3194a1fc66d0a0dfe053edc20920",
    "cifar10_airbench_shorter": "9cf11c0f94a66f7228153fc959b4b46d",
    "cifar10_airbench_steps": "8b2f8abc2cd6dd5067292c95ffe833a2",
    "confirm": "f11b45696548ae22f830985624e179cb",
    "core": "27557df6124e4c8213f72c8d7d32022e",
    "cross_cnn": "9f29e6805bdad796efe6d50890ac7d51",
    "cross_fashion": "b0b73b42d5dbb4bb378c0f5c399db87a",
    "cross_mobilenet": "3046a44ea8d69746016e97808c2888f8",
    "cross_resnet18": "05beba6c7776a379f035d71d78c8a7ef",
    "cross_scenes": "b11011b26d38d4846a935fe799647056",
    "cross_vgg": "a5107bebab98de8f4451d2018443cc3a",
    "equal_fit": "3d1dcaa87ea6ebfb59d33edd9a1c1ce8",
    "fashion_mnist": "9c628d05e2b327b577c61c5fa022c1d2",
    "finetuning": "a498ed4d9bee88124ae1e89a2d541351",
    "finetuning_all": "3b75b431e8e4fbec25cb72b0213952f6",
    "horizon": "fa375020679e6a89770281e61ac1ebd4",
    "horizon_controls": "b7dd3e47d53c414f335e7274e37e9fa3",
    "hunt_backgrounds": "f0e62e5b547846bc259de6eabe3d9776",
    "hunt_dense": "b3d56650f41ee904a3bf617abbef6255",
    "hunt_label_noise": "afb3b7912c22f14391eb94aa9da8d459",
    "hunt_small_batches": "bfcd9a1303240390e590e88cbfa5e9c0",
    "hunt_small_objects": "985ccc1cf0505d6c3b537853c8255432",
    "imagenette": "2c6d0c26caea6f42e7f42685c7469ab5",
    "imagenette_premise": "14c199e7ea125a26cf0972ffa9b655b0",
    "layer_gain": "871662f165887a311373e4ddc7d1cabe",
    "learning_rate": "c7ce2d9a1d2dd119ce74bac4c4f93fdb",
    "mobilenet_signal": "c5436a9c69778bc4f5f9e09b2d7df5c0",
    "overhead": "e5c10779f9b028ccf015e88ae11fa34d",
    "overhead_cuda": "f7cd414bf5674beee7a0065f101316bb",
    "photographs": "dc148b0f7f2d51f2429964d51b5d8ffe",
    "photographs_imagenet": "4291c82c10f800ef344c1471824c4afd",
    "premise": "09283087776dbff1fe7cb7011db45d2d",
    "quality": "bb831b4813dfa4f1227c18e9e53846e3",
    "recipe_airbench": "e638cc71684f6485d8c995cdb11d735d",
    "recipe_cifar10": "5be71b04ba873bcd813e68289b8e73b8",
    "recipe_cifar10_lossless": "f57180f157088595abbfac9057f62b9d",
    "recipe_fashion": "1a9c1bc13e92d8981385fb8a805ea036",
    "recipe_imagenette": "cafca86b713ec3b70530268d32f2f4be",
    "robustness": "e6d0a13afb9e384f9ade3485e99e5c8a",
    "saliency": "6f4851ed6a882479985c0aabd1f4ee51",
    "saliency_cnn": "db77bdb767a067604f7904524b376e50",
    "scenes_premise": "1a304f6ca1b5c8fc87d3712b2a26da42",
    "scenes_steps": "a36c8b5d230402842913ce2ab608ceb1",
    "smoothed_backgrounds": "61d3d037fd7674a4221404ed53e07909",
    "soft_backgrounds": "9364e233ae4e1352c08a395a038d2cb2",
    "soft_fashion": "e8e0cee2c00d1fa898243ededb4341ba",
    "soft_fashion_mnist": "df5ee946f0142ce21454e5d9baea63bd",
    "soft_scenes": "833f9b8eb92d5e788e8a425e2084ac8b",
    "stripes": "80325cb6809fc3937c52e11216801607",
    "stripes_scales": "ed8ea733aed88dccb7bf13dec0679db2",
    "trunk_mobilenet": "7c1480afe6d3d28dbb111d56d37b36ac",
    "trunk_resnet": "7b4d5ba9bbad07ce009a1765ae61e8ad",
}
"""Of all that the runs gave, and on what they were made; not of the configuration."""


@dataclass(frozen=True, kw_only=True)
class Trial(Experiment):
    """An experiment of the test's own, whose runs draw from 5 upwards."""

    fails: ClassVar[list[int]]
    ran: ClassVar[list[int]]

    size: int = 2
    shapes: Mapping = field(default_factory=dict)

    def run(self, seed, device):
        self.ran.append(seed - 5)
        if seed - 5 in self.fails:
            raise RuntimeError("boom")
        values = {"plain": 0.1 * (seed - 5), "mask": float("nan")}
        return [{"variant": name, "accuracy": v} for name, v in values.items()]

    def smoke(self):
        return replace(self, size=1)


@pytest.fixture
def trial(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADMASK_RECORDS", str(tmp_path))
    Trial.fails, Trial.ran = [], []
    trial = Trial(name="trial", question="Does it work?", seeds=range(5, 8))
    monkeypatch.setattr(registry, "experiment", lambda name: trial)
    return trial


def run(*words):
    return cli.main(["run", "trial", "--device", "cpu", *words])


def test_a_run_makes_a_record_that_can_be_read_back(trial, tmp_path):
    assert run() == 0
    record = records.load("trial")
    assert record.config == {"size": 2, "shapes": {}}
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


@dataclass(frozen=True, kw_only=True)
class InParts(Trial):
    """The same, a row at a time."""

    parts = 2

    def part(self, number, seed, device):
        self.ran.append((seed - 5, number))
        if (seed - 5, number) in self.fails:
            raise RuntimeError("boom")
        return [{"variant": number, "accuracy": 0.5}]


@pytest.fixture
def in_parts(trial, monkeypatch):
    apart = InParts(name="trial", question="Does it work?", seeds=range(5, 7))
    monkeypatch.setattr(registry, "experiment", lambda name: apart)
    return apart


def test_an_interrupted_seed_goes_on_with_the_part_that_failed(in_parts, tmp_path):
    in_parts.fails.append((0, 1))
    assert run() == 1
    assert sorted(records.load("trial").runs) == [1]
    in_parts.fails.clear()
    in_parts.ran.clear()
    assert run() == 0
    assert in_parts.ran == [(0, 1)]
    rows = records.load("trial").runs[0].rows
    assert rows == [{"variant": n, "accuracy": 0.5} for n in range(2)]
    assert not list((tmp_path / "parts").iterdir())


def test_a_part_that_was_made_in_another_way_is_made_again(
    in_parts, monkeypatch, tmp_path
):
    in_parts.fails.append((0, 1))
    run("--seeds", "0")
    in_parts.fails.clear()
    in_parts.ran.clear()
    other = replace(in_parts, size=3)
    monkeypatch.setattr(registry, "experiment", lambda name: other)
    assert run("--seeds", "0") == 0
    assert in_parts.ran == [(0, 0), (0, 1)]


def test_parts_side_by_side_make_the_same_record(monkeypatch, tmp_path):
    monkeypatch.setattr("gradmask.lab.cli.runs.get_context", lambda method: FORK)
    found = []
    for jobs in ("1", "2"):
        monkeypatch.setenv("GRADMASK_RECORDS", str(tmp_path / jobs))
        words = ["--profile", "smoke", "--seeds", "0", "--device", "cpu"]
        assert cli.main(["run", "equal_fit", *words, "--jobs", jobs]) == 0
        rows = records.load("equal_fit").rows
        found.append([{k: v for k, v in r.items() if k != "seconds"} for r in rows])
    assert found[0] == found[1]
    assert [row["epochs"] for row in found[0]] == [1, 2]


def test_experiments_share_a_run_and_each_fills_its_own_record(trial, monkeypatch):
    both = {name: replace(trial, name=name) for name in ("trial", "second")}
    monkeypatch.setattr(registry, "experiment", both.get)
    records.save_run("second", "laptop", trial.configuration, made(1))
    trial.fails.append(2)
    assert cli.main(["run", "trial", "second", "trial", "--device", "cpu"]) == 1
    assert trial.ran == [0, 1, 2, 0, 2]
    assert {name: sorted(records.load(name).runs) for name in both} == {
        "trial": [0, 1],
        "second": [0, 1],
    }


def made(seed):
    return records.Run(seed, [{"a": 1}], 0.0, provenance(torch.device("cpu")))


def test_a_failed_seed_is_named_and_the_others_go_on(trial, capsys):
    trial.fails.append(1)
    assert run() == 1
    assert sorted(records.load("trial").runs) == [0, 2]
    assert "failed seeds: trial 1" in capsys.readouterr().err


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


def test_a_record_that_cannot_be_read_names_its_file(trial, tmp_path, capsys):
    path = tmp_path / "trial.json"
    for text in ("{", "[]", '{"experiment": "trial"}'):
        path.write_text(text)
        assert run() == 2
        assert str(path) in capsys.readouterr().err
    assert trial.ran == []


def test_a_folder_that_cannot_be_written_is_found_out_before_the_run(
    trial, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRADMASK_RECORDS", str(tmp_path / "file"))
    assert run() == 2
    assert "no record can be written" in capsys.readouterr().err
    assert trial.ran == []


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--seeds", "4-2", "rising ranges, such as 0-4,7; got '4-2'"),
        ("--seeds", "x", "got 'x'"),
        ("--seeds", "1,-1", "got '-1'"),
        ("--jobs", "0", "from 1 up, got '0'"),
        ("--device", "gpu0", "there is no device 'gpu0'"),
        ("--device", "cuda:99", "there is no device 'cuda:99'"),
    ],
)
def test_options_that_name_nothing_are_refused_before_a_run(
    option, value, message, capsys
):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", "confirm", "--profile", "smoke", option, value])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_own_records_do_not_hide_the_published_ones(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADMASK_RECORDS", str(tmp_path))
    assert records.load("core").rows
    (tmp_path / "core.json").write_text("{")
    with pytest.raises(records.RecordError, match=r"core\.json is no record"):
        records.load("core")


def test_a_reader_who_has_seen_enough_ends_the_output_quietly(monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1) as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert cli.main(["show", "core"]) == 0
        print("whatever follows goes nowhere")
        monkeypatch.undo()
    assert not capsys.readouterr().err


def test_a_run_whose_rows_differ_in_their_keys_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADMASK_RECORDS", str(tmp_path))
    made = provenance(torch.device("cpu"))
    run = records.Run(0, [{"a": 1}, {"b": 1}], 0.0, made)
    with pytest.raises(ValueError, match="same keys"):
        records.save_run("odd", "smoke", {}, run)
    assert not (tmp_path / "odd.json").exists()


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """The library, as if installed into somebody else's repository."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-qm", "theirs", "--allow-empty"], check=True)
    (tmp_path / "lib").mkdir()
    monkeypatch.setattr("gradmask.lab.provenance.ROOT", tmp_path / "lib")
    return tmp_path


def test_an_installed_package_does_not_name_the_commit_of_its_surroundings(
    elsewhere, monkeypatch
):
    assert provenance(torch.device("cpu"))["commit"] == "unknown"
    monkeypatch.setattr("gradmask.lab.provenance.ROOT", elsewhere)
    assert re.fullmatch("[0-9a-f]{10}", provenance(torch.device("cpu"))["commit"])


def test_without_git_the_commit_is_unknown(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert provenance(torch.device("cpu"))["commit"] == "unknown"


def _save_seeds(first, together):
    made = provenance(torch.device("cpu"))
    together.wait()
    for seed in range(first, 60, 2):
        rows = [{"x": seed}]
        records.save_run("shared", "smoke", {}, records.Run(seed, rows, 0.0, made))


def test_two_processes_share_a_record(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADMASK_RECORDS", str(tmp_path))
    together = FORK.Barrier(2)
    processes = [
        FORK.Process(target=_save_seeds, args=(first, together)) for first in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [row["x"] for row in records.load("shared").rows] == list(range(60))


def _save_until_killed():
    made = provenance(torch.device("cpu"))
    for seed in count():
        rows = [{"x": seed}] * 200
        records.save_run("killed", "smoke", {}, records.Run(seed, rows, 0.0, made))


def test_a_killed_run_leaves_a_whole_record(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADMASK_RECORDS", str(tmp_path))
    process = FORK.Process(target=_save_until_killed)
    process.start()
    deadline = time.monotonic() + 60
    path = tmp_path / "killed.json"
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    process.kill()
    process.join()
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
    chosen = registry.experiment(path.stem).profile(stored["profile"])
    assert stored["config"] == json.loads(json.dumps(chosen.configuration))
    seeds = {run["seed"] for run in stored["runs"]}
    if path.stem in UNFINISHED:
        assert seeds == set(range(UNFINISHED[path.stem]))
    else:
        assert seeds >= set(range(len(chosen.seeds)))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_no_value_of_a_committed_record_ever_changes(path):
    record = records.load(path.stem)
    values = {
        "experiment": record.experiment,
        "runs": [
            {
                "seed": run.seed,
                "seconds": run.seconds,
                "provenance": run.provenance,
                "rows": run.rows,
            }
            for run in record.runs.values()
        ],
    }
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest()[:32] == DIGESTS[path.stem]


def test_every_record_has_a_digest():
    assert [path.stem for path in RECORDS] == list(DIGESTS)


@pytest.mark.parametrize("name", registry.names())
def test_every_experiment_says_what_it_does(name):
    chosen = registry.experiment(name)
    assert chosen.name == name
    assert len(chosen.question.splitlines()) > 2
    for budget in BUDGETS:
        profile = chosen.profile(budget)
        assert type(profile) is type(chosen)
        assert len(profile.seeds) >= 1
        assert profile.seeds.start == chosen.seeds.start
