"""Draw what a network that ImageNet has trained looks at in photographs of your own.

On the command line,

    python -m gradmask.lab look PHOTO... --out look.png

writes one picture: of every photograph the square that the network sees, five maps of
the class that it names, and the classes that it finds most probable.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from gradmask.lab.data.photographs import central_square, read_picture
from gradmask.lab.figures.photographs import looks
from gradmask.lab.figures.style import use_style
from gradmask.lab.measures.saliency.looking import Look, look_at
from gradmask.lab.networks.pretrained import DEFAULT, pretrained
from gradmask.lab.settings import find_device

__all__ = ["add_arguments"]

MOST = 20
"""Photographs that one picture has room for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments, and its work."""
    parser.description = (
        "What a network that ImageNet has trained looks at in photographs."
    )
    add = parser.add_argument
    add("photographs", type=Path, nargs="+", metavar="PHOTO", help="a picture's file")
    add(
        "--model",
        default=DEFAULT,
        help="of torchvision or timm (%(default)s, which needs no connection)",
    )
    add("--out", type=Path, default=Path("look.png"), help="PNG (%(default)s)")
    parser.set_defaults(command=_look)


def _look(options: argparse.Namespace) -> int:
    if len(options.photographs) > MOST:
        raise ValueError(f"at most {MOST} photographs go into one picture")
    pictures = [read_picture(path) for path in options.photographs]
    found = pretrained(options.model)
    network = found.network.to(find_device())
    drawn: list[Look] = []
    for path, picture in zip(options.photographs, pictures, strict=True):
        seen = look_at(network, central_square(picture, found.side), found.classes)
        drawn.append(seen)
        named = (f"{name} {share:.1%}" for name, share in seen.answers)
        print(f"{path}: {', '.join(named)}", flush=True)
    use_style()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    looks(drawn).savefig(options.out, format="png")
    print(f"written: {options.out}")
    return 0
