"""scikit-image's photographs of one object, with boxes that this book's authors drew.

They need no connection: ``pip install "gradmask[saliency]"``.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from PIL import Image
from torch import Tensor

from gradmask.lab.data.photographs import central_square

__all__ = ["RULE", "Shipped", "shipped_photographs"]

_ASSET = json.loads(
    (files("gradmask.lab") / "assets/photographs.json").read_text("utf-8")
)
RULE: str = _ASSET["rule"]
"""Which photographs they are, and how their boxes were drawn."""


class Shipped(NamedTuple):
    """A photograph of one object.

    Attributes
    ----------
    name : str
        What scikit-image calls it.
    shows : str
        The object, in a few words.
    description : str
        The photograph in a sentence, for those who cannot see it.
    classes : tuple of str
        Those of ImageNet's classes that name the object; none names a person.
    picture : Image
        The whole photograph, in colour.
    box : tuple of int
        About the object (x0, y0, x1, y1), half-open, in pixels of the photograph.
    """

    name: str
    shows: str
    description: str
    classes: tuple[str, ...]
    picture: Image.Image
    box: tuple[int, int, int, int]

    def square(self, side: int) -> tuple[Tensor, tuple[int, int, int, int]]:
        """Bring the shorter side to `side` pixels, and keep the middle.

        Returns
        -------
        image : Tensor of float32, shape (3, side, side)
            In [0, 1]; see :func:`gradmask.lab.data.photographs.central_square`.
        box : tuple of int
            About what is left of the object, rounded outwards.
        """
        size = np.array(self.picture.size)
        scale = side / size.min()
        middle = np.tile((size * scale - side) / 2, 2)
        corners = np.array(self.box) * scale - middle
        x0, y0 = np.floor(corners[:2].clip(0, side)).astype(int).tolist()
        x1, y1 = np.ceil(corners[2:].clip(0, side)).astype(int).tolist()
        return central_square(self.picture, side), (x0, y0, x1, y1)


def shipped_photographs() -> list[Shipped]:
    """Load every colour photograph of scikit-image that shows one object; see `RULE`.

    Raises
    ------
    ImportError
        If scikit-image is missing.
    """
    from skimage import data

    found = []
    for entry in _ASSET["photographs"]:
        name = entry["name"]
        if name == "motorcycle":
            pixels, *_ = data.stereo_motorcycle()  # type: ignore[no-untyped-call]
        else:
            pixels = getattr(data, name)()
        said = entry["shows"], entry["description"], tuple(entry["classes"])
        found.append(Shipped(name, *said, Image.fromarray(pixels), tuple(entry["box"])))
    return found
