"""Run the laboratory's experiments and look at their records.

A run continues where it was interrupted: what is lost is the seed in flight. Several
processes may run disjoint seeds of one experiment at the same time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gradmask.lab.cli import experiments, judge, train
from gradmask.lab.records import RecordError

__all__ = ["main"]

GROUPS = (experiments, train, judge)
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
    except (RecordError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
