"""The command ``show``: means and intervals of an experiment's record."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from gradmask.lab import records
from gradmask.lab.reports.stats import mean_interval

__all__ = ["add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments, and its work."""
    parser.add_argument("name", help="an experiment with a record")
    parser.set_defaults(command=_show)


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
