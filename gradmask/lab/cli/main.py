"""Run the laboratory's experiments and look at their records.

A run continues where it was interrupted: what is lost is the seed in flight. Several
processes may run disjoint seeds of one experiment at the same time.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from gradmask.lab.cli import experiments, judge, look, train
from gradmask.lab.data.idx import DataError
from gradmask.lab.networks.pretrained import WeightsError

__all__ = ["main"]

GROUPS = (experiments, train, judge, look)
"""Modules whose ``add_parser(commands)`` adds subcommands.  Each sets ``command``: a
function of the options, whose result is the exit status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if every seed succeeded."""
    parser = argparse.ArgumentParser("python -m gradmask.lab", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in GROUPS:
        group.add_parser(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.command(options))
    except BrokenPipeError:
        # Whoever reads the output has seen enough, and Python flushes once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (DataError, WeightsError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
