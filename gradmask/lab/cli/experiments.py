"""The commands ``list``, ``run`` and ``show``: experiments and their records."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch

from gradmask.lab import records
from gradmask.lab.cli.runs import run_seeds
from gradmask.lab.experiments import registry
from gradmask.lab.reports.stats import mean_interval
from gradmask.lab.settings import BUDGETS, find_device

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to a parser."""
    command = commands.add_parser("list", help="name the experiments")
    command.set_defaults(command=_list)
    command = commands.add_parser("run", help="run an experiment's missing seeds")
    command.add_argument("name", help="an experiment (see: list)")
    command.add_argument(
        "--profile", choices=BUDGETS, default="laptop", help="how much (%(default)s)"
    )
    command.add_argument(
        "--seeds",
        type=_seeds,
        help="which, counted from 0, such as 0-4,7 (the profile's own)",
    )
    command.add_argument(
        "--device", type=_device, help="such as cpu or cuda (the fastest there is)"
    )
    command.add_argument(
        "--jobs",
        type=_positive,
        default=1,
        help="processes that run trainings at the same time (%(default)s)",
    )
    command.set_defaults(command=_run)
    command = commands.add_parser("show", help="print a record's means and intervals")
    command.add_argument("name", help="an experiment with a record")
    command.set_defaults(command=_show)


def _list(options: argparse.Namespace) -> int:
    width = max(map(len, registry.names()))
    for name in registry.names():
        question = registry.experiment(name).question
        print(f"{name:{width}}  {question.splitlines()[0]}")
    return 0


def _run(options: argparse.Namespace) -> int:
    chosen = registry.experiment(options.name).profile(options.profile)
    device = options.device or find_device()
    seeds = options.seeds or range(len(chosen.seeds))
    settings = options.name, options.profile, chosen.configuration
    done = records.matching(*settings).runs
    records.check_writable()
    missing = [seed for seed in seeds if seed not in done]
    print(f"{options.name}: {len(seeds) - len(missing)} of {len(seeds)} seeds are done")
    failed = run_seeds(chosen, options.profile, missing, device, options.jobs)
    if failed:
        print(f"error: failed seeds: {', '.join(map(str, failed))}", file=sys.stderr)
    return 1 if failed else 0


def _show(options: argparse.Namespace) -> int:
    record = records.load(options.name)
    print(record.provenance)
    for key, value in record.config.items():
        print(f"  {key}: {value}")
    groups: defaultdict[tuple[Any, ...], defaultdict[str, list[float]]]
    groups = defaultdict(lambda: defaultdict(list))
    for row in record.rows:
        labels = tuple(
            f"{key}={value}"
            for key, value in row.items()
            if key != "seed" and not isinstance(value, float | None)
        )
        for key, value in row.items():
            if isinstance(value, float):
                groups[labels][key].append(value)
    for labels, columns in groups.items():
        print(" ".join(labels) or "(all)")
        for key, values in columns.items():
            print(f"    {key:24} {_summary(values)}")
    return 0


def _summary(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.4g}"
    interval = mean_interval(values)
    return f"{interval.mean:.4g} [{interval.low:.4g}, {interval.high:.4g}]"


def _seeds(text: str) -> list[int]:
    """Read "0-4,7" as 0, 1, 2, 3, 4, 7."""
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        ends = first, last or first
        if not all(end.isdecimal() for end in ends) or int(ends[0]) > int(ends[1]):
            raise argparse.ArgumentTypeError(
                f"seeds are numbers and rising ranges, such as 0-4,7; got {part!r}"
            )
        seeds += range(int(ends[0]), int(ends[1]) + 1)
    return seeds


def _device(text: str) -> torch.device:
    """Read a device that is there."""
    try:
        return torch.empty(0, device=text).device
    except (AssertionError, RuntimeError) as error:
        raise argparse.ArgumentTypeError(f"there is no device {text!r}") from error


def _positive(text: str) -> int:
    """Read a number from 1 up."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a number from 1 up, got {text!r}")
    return int(text)
