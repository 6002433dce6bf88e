"""The command ``run``: those seeds of experiments that their records lack.

A run continues where it was interrupted: what is lost are the parts in flight.  Several
experiments share the processes of one run, so that none waits for the last part of
another; and several runs may make disjoint seeds of one experiment at the same time.
"""

from __future__ import annotations

import argparse
import sys

import torch

from gradmask.lab import records
from gradmask.lab.cli.runs import run_seeds
from gradmask.lab.experiments import registry
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.settings import BUDGETS, find_device

__all__ = ["add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments, and its work."""
    add = parser.add_argument
    add("names", nargs="+", metavar="NAME", help="an experiment (see: list)")
    add("--profile", choices=BUDGETS, default="laptop", help="how much (%(default)s)")
    add(
        "--seeds",
        type=_seeds,
        help="which, counted from 0, such as 0-4,7 (the profile's own)",
    )
    add("--device", type=_device, help="such as cpu or cuda (the fastest there is)")
    add(
        "--jobs",
        type=_positive,
        default=1,
        help="processes that run trainings at the same time (%(default)s)",
    )
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    named = map(registry.experiment, dict.fromkeys(options.names))
    chosen = [one.profile(options.profile) for one in named]
    device = options.device or find_device()
    wanted = [(one, _missing(one, options.profile, options.seeds)) for one in chosen]
    records.check_writable()
    failed = run_seeds(wanted, options.profile, device, options.jobs)
    if failed:
        print(f"error: failed seeds: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _missing(one: Experiment, profile: str, wanted: list[int] | None) -> list[int]:
    """Say how many seeds are done, and return the others."""
    seeds = wanted or range(len(one.seeds))
    done = records.matching(one.name, profile, one.configuration).runs
    missing = [seed for seed in seeds if seed not in done]
    print(f"{one.name}: {len(seeds) - len(missing)} of {len(seeds)} seeds are done")
    return missing


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
