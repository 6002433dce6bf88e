"""Runs of experiments: seeds in parts, side by side, each part kept when it is done.

What is lost when a run is interrupted are the parts in flight, a training each.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from gradmask.lab import records
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.provenance import provenance

__all__ = ["run_seeds"]

Kept = dict[str, Any]
"""What a part gave: its rows and seconds, and how it was made."""


def run_seeds(
    wanted: Iterable[tuple[Experiment, Iterable[int]]],
    profile: str,
    device: torch.device,
    jobs: int = 1,
) -> list[str]:
    """Run seeds of experiments; one whose parts are all done is added to its record.

    Parameters
    ----------
    wanted : iterable of (Experiment, iterable of int)
        Experiments, as the profile has them, and which of their seeds, as the record
        counts them.  The parts run in this order.
    profile : str
        The profile's name.
    device : torch.device
        Where the parts compute.
    jobs : int, default 1
        How many processes run parts at the same time; 1 runs them in this one.

    Returns
    -------
    list of str
        The seeds that failed, such as "core 3", each after a traceback on stderr.
    """
    runs = [
        [_Part(one, profile, seed, number) for number in range(one.parts)]
        for one, seeds in wanted
        for seed in seeds
    ]
    whole = {part: run for run in runs for part in run}
    kept = {part: known for part in whole if (known := part.kept(device))}
    missing = [part for part in whole if part not in kept]
    running = _finished(missing, device, jobs)
    bar = tqdm(running, total=len(missing), unit="part")
    found: dict[_Part, Kept] = {}
    failed = []
    for part, result in chain(kept.items(), bar):
        if isinstance(result, str):
            print(result, file=sys.stderr)
            failed.append(f"{part.experiment.name} {part.seed}")
        else:
            found[part] = result
            if all(one in found for one in whole[part]):
                _add({one: found[one] for one in whole[part]})
    return list(dict.fromkeys(failed))


@dataclass(frozen=True, eq=False)
class _Part:
    """One part of a seed's run, and the file that keeps what it gave."""

    experiment: Experiment
    profile: str
    seed: int
    number: int

    @property
    def path(self) -> Path:
        name = f"{self.experiment.name}-{self.profile}-{self.seed}-{self.number}.json"
        return records.folder() / "parts" / name

    def attempt(self, device: torch.device) -> Kept | str:
        """Run, and keep the rows; or return the traceback of what went wrong."""
        begin = time.perf_counter()
        try:
            seed = self.experiment.seeds.start + self.seed
            rows = self.experiment.part(self.number, seed, device)
        except Exception:
            return traceback.format_exc()
        seconds = time.perf_counter() - begin
        found = self._made(device) | {"seconds": seconds, "rows": rows}
        if _is_first():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_suffix(f".{os.getpid()}")
            temporary.write_text(json.dumps(found), "utf-8")
            temporary.replace(self.path)
        return found

    def kept(self, device: torch.device) -> Kept | None:
        """What an earlier run kept, if it was made in the same way, be it not today."""
        try:
            found: Kept = json.loads(self.path.read_text("utf-8"))
            made = self._made(device)
            made["provenance"]["date"] = found["provenance"]["date"]
        except (KeyError, OSError, ValueError):
            return None
        return found if made.items() <= found.items() else None

    def _made(self, device: torch.device) -> Kept:
        made = provenance(device) | self.experiment.materials(device)
        described = {"config": self.experiment.configuration, "provenance": made}
        like_stored: Kept = json.loads(json.dumps(described))
        return like_stored


def _finished(
    parts: Sequence[_Part], device: torch.device, jobs: int
) -> Iterator[tuple[_Part, Kept | str]]:
    """Yield every part when it has been attempted, with its result."""
    if jobs == 1:
        for part in parts:
            yield part, part.attempt(device)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        running = {pool.submit(part.attempt, device): part for part in parts}
        for future in as_completed(running):
            yield running[future], future.result()


def _add(found: Mapping[_Part, Kept]) -> None:
    """Add a seed to the record, and forget its parts."""
    if not _is_first():
        return
    first = next(iter(found))
    run = records.Run(
        first.seed,
        [row for kept in found.values() for row in kept["rows"]],
        sum(kept["seconds"] for kept in found.values()),
        found[first]["provenance"],
    )
    settings = first.experiment.name, first.profile, first.experiment.configuration
    records.save_run(*settings, run)
    for part in found:
        part.path.unlink(missing_ok=True)


def _is_first() -> bool:
    """Whether this process writes, of all that share a training."""
    return int(os.environ.get("RANK", "0")) == 0
