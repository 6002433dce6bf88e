"""Print what a mask costs on this machine, without keeping a record.

    python benchmarks/overhead.py [--device cuda] [--rounds 30]

What is measured, and what bounds it, stands in ``gradmask.lab.experiments.overhead``;
``python -m gradmask.lab run overhead`` makes the record that the book shows.
"""

from __future__ import annotations

import argparse

import torch

from gradmask.lab.experiments import overhead


def main() -> None:
    """Print a table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    print(
        f"torch {torch.__version__}, {options.device}, "
        f"{torch.get_num_threads()} threads\n"
    )
    config = overhead.LAPTOP | {"rounds": options.rounds}
    print("| network | variant | ratio | quartiles | ms | peak MiB |")
    print("|---|---|---|---|---|---|")
    for row in overhead.run(config, 0, torch.device(options.device)):
        print(
            f"| {row['network']} | {row['variant']} | {row['ratio']:.3f} "
            f"| {row['low']:.3f} to {row['high']:.3f} | {row['milliseconds']:.1f} "
            f"| {row['peak_mb']:.1f} |"
        )


if __name__ == "__main__":
    main()
