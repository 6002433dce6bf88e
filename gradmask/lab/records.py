"""Records of experiments: one JSON file each, written so that it is never broken."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

__all__ = [
    "Record",
    "RecordError",
    "Row",
    "Run",
    "check_writable",
    "load",
    "matching",
    "save_run",
]

Row = dict[str, Any]

ROOT = Path(__file__).parents[2]
CLONE = ROOT / "book/records"
PUBLISHED = Path(__file__).parent / "assets/records"
SCHEMA = 1


class RecordError(ValueError):
    """A record is missing, cannot be read or written, or has another configuration."""


@dataclass(frozen=True)
class Run:
    """What one seed gave, and where.

    Attributes
    ----------
    seed : int
        The seed.
    rows : list of dict
        Flat dictionaries of strings, numbers, booleans and None, with the same keys.
    seconds : float
        Wall-clock time.
    provenance : dict of str to str or int
        Commit, date, versions, hardware, device and threads; see
        :func:`gradmask.lab.provenance.provenance`.
    """

    seed: int
    rows: list[Row]
    seconds: float
    provenance: dict[str, str | int]


@dataclass(frozen=True)
class Record:
    """Everything that an experiment gave.

    Attributes
    ----------
    experiment, profile : str
        Which experiment, on which budget.
    config : dict
        Its configuration.
    runs : dict of int to Run
        By seed.
    """

    experiment: str
    profile: str
    config: dict[str, Any]
    runs: dict[int, Run] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row]:
        """Rows of all seeds, in their order, each with its "seed"."""
        return [
            {"seed": seed} | row
            for seed, run in sorted(self.runs.items())
            for row in run.rows
        ]

    @property
    def provenance(self) -> str:
        """On what, from what and in how long the record was made, a few lines."""
        runs = self.runs.values()
        seconds = sum(run.seconds for run in runs)

        def made(key: str) -> str:
            found = {str(r.provenance[key]) for r in runs if key in r.provenance}
            return ", ".join(sorted(found))

        lines = [
            f"{self.experiment}, profile {self.profile}: {len(runs)} "
            f"seed{'s' * (len(runs) != 1)}, {seconds / 60:.0f} minutes in all",
            f"{made('hardware')}, {made('device')}, threads {made('threads')}",
            f"torch {made('torch')}",
            f"commit {made('commit')}, {made('date')}",
        ]
        lines += [f"{key}: {made(key)}" for key in ("images", "precision") if made(key)]
        return "\n".join(lines)


def folder() -> Path:
    """Where own records lie: ``GRADMASK_RECORDS``, or a clone's, or ``records``."""
    here = CLONE if CLONE.is_dir() else Path("records")
    return Path(os.environ.get("GRADMASK_RECORDS") or here)


def load(name: str) -> Record:
    """Read a record: your own, or else the published one, of a clone or a package.

    Parameters
    ----------
    name : str
        The experiment's name.

    Returns
    -------
    Record
        What it gave so far.

    Raises
    ------
    RecordError
        If there is none; the message names the command that makes one.  If it cannot
        be read; the message names the file.
    """
    places = folder(), CLONE, PUBLISHED
    there = (place / f"{name}.json" for place in places)
    path = next((path for path in there if path.exists()), None)
    if path is None:
        raise RecordError(
            f"there is no record {folder() / name}.json; make it with python -m "
            f"gradmask.lab run {name}"
        )
    try:
        stored = json.loads(path.read_text("utf-8"))
        return Record(
            stored["experiment"],
            stored["profile"],
            stored["config"],
            {run["seed"]: _unpacked(run) for run in stored["runs"]},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError(f"{path} is no record that can be read: {error!r}") from error


def matching(name: str, profile: str, config: Mapping[str, Any]) -> Record:
    """Return the record of a configuration: the one there is, or an empty one.

    Raises
    ------
    RecordError
        If the record there is was made with another profile or configuration.
    """
    wanted = dict(config)
    if not (folder() / f"{name}.json").exists():
        return Record(name, profile, wanted)
    record = load(name)
    if (record.profile, record.config) != (profile, json.loads(json.dumps(wanted))):
        raise RecordError(
            f"{folder() / name}.json was made with another configuration (profile "
            f"{record.profile!r}): move it away, or set GRADMASK_RECORDS to another "
            "folder"
        )
    return record


def check_writable() -> None:
    """Find out before a run whether its record can be written.

    Raises
    ------
    RecordError
        If the folder of the records cannot be made, or not be written to.
    """
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder()):
            pass
    except OSError as error:
        raise RecordError(f"no record can be written: {error}") from error


def save_run(name: str, profile: str, config: Mapping[str, Any], run: Run) -> None:
    """Add a seed to a record, which is replaced in one step.

    Processes that run other seeds of the same experiment wait for one another.

    Raises
    ------
    RecordError
        As :func:`matching`.
    """
    folder().mkdir(parents=True, exist_ok=True)
    path = folder() / f"{name}.json"
    with FileLock(path.with_suffix(".lock")):
        record = matching(name, profile, config)
        runs = record.runs | {run.seed: run}
        stored = {
            "schema": SCHEMA,
            "experiment": name,
            "profile": profile,
            "config": record.config,
            "runs": [_packed(runs[seed]) for seed in sorted(runs)],
        }
        temporary = path.with_suffix(".tmp")
        temporary.write_text(_readable(stored), "utf-8")
        temporary.replace(path)


def _packed(run: Run) -> dict[str, Any]:
    columns = list(run.rows[0]) if run.rows else []
    if any(list(row) != columns for row in run.rows):
        raise ValueError("all rows of a run must have the same keys in the same order")
    return {
        "seed": run.seed,
        "seconds": round(run.seconds, 1),
        "provenance": run.provenance,
        "columns": columns,
        "values": [[_plain(row[key]) for key in columns] for row in run.rows],
    }


def _unpacked(stored: Mapping[str, Any]) -> Run:
    rows = [dict(zip(stored["columns"], v, strict=True)) for v in stored["values"]]
    return Run(stored["seed"], rows, stored["seconds"], stored["provenance"])


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def _readable(stored: Mapping[str, Any]) -> str:
    """JSON with a line for each row, so that a diff shows what was added."""
    runs = [
        {key: value for key, value in run.items() if key != "values"}
        for run in stored["runs"]
    ]
    text = json.dumps({**stored, "runs": "@"}, indent=1, allow_nan=False)
    return text.replace('"@"', "[" + ",".join(_lines(stored["runs"], runs)) + "\n ]")


def _lines(
    full: Iterable[Mapping[str, Any]], heads: Iterable[Mapping[str, Any]]
) -> Iterable[str]:
    for run, head in zip(full, heads, strict=True):
        rows = ",\n".join(json.dumps(row, allow_nan=False) for row in run["values"])
        yield f'\n{json.dumps(head)[:-1]}, "values": [\n{rows}\n]}}'
