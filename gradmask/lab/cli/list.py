"""The command ``list``: the experiments, and what each one asks."""

from __future__ import annotations

import argparse

from gradmask.lab.experiments import registry

__all__ = ["add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's work; it has no arguments."""
    parser.set_defaults(command=_list)


def _list(options: argparse.Namespace) -> int:
    width = max(map(len, registry.names()))
    for name in registry.names():
        question = registry.experiment(name).question
        print(f"{name:{width}}  {question.splitlines()[0]}")
    return 0
