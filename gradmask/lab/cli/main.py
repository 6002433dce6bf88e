"""Run the laboratory's experiments, look at their records, and at photographs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from gradmask.lab.data.idx import DataError

__all__ = ["COMMANDS", "main", "parser"]

COMMANDS = {
    "list": "name the experiments",
    "run": "run the missing seeds of experiments",
    "show": "print a record's means and intervals",
    "train": "train a network on folders of images or CIFAR",
    "judge": "measure how well saliency maps find the objects of photographs",
    "look": "draw what a trained network looks at in photographs",
}
"""The commands, and what each does.  Each is a module of this package, imported once it
is named: ``add_arguments(parser)`` adds its arguments and sets ``command``, a function
of the options, whose result is the exit status."""


def parser(named: str | None = None) -> argparse.ArgumentParser:
    """Build the parser: all the commands, and the arguments of the one that is named.

    Parameters
    ----------
    named : str, optional
        A command, whose module is imported.
    """
    whole = argparse.ArgumentParser("python -m gradmask.lab", description=__doc__)
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for name, does in COMMANDS.items():
        command = commands.add_parser(name, help=does)
        if name == named:
            import_module(f"gradmask.lab.cli.{name}").add_arguments(command)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if every seed succeeded."""
    words = sys.argv[1:] if arguments is None else arguments
    named = next((word for word in words if not word.startswith("-")), None)
    options = parser(named).parse_args(words)
    try:
        return int(options.command(options))
    except BrokenPipeError:
        # Whoever reads the output has seen enough, and Python flushes once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (DataError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
