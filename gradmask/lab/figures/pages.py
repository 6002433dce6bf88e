"""HTML that a notebook shows: pages of the assets, and pictures within them."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from importlib.resources import files

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

__all__ = ["asset", "filled", "lossless", "png", "webp"]

QUALITY = 80


def asset(name: str) -> str:
    """Text of a file of the assets."""
    return (files("gradmask.lab") / "assets" / name).read_text(encoding="utf-8")


def filled(page: str, parts: Mapping[str, str]) -> str:
    """Fill a page of the assets with its parts; the alternative text is escaped."""
    text = asset(page)
    for name, part in parts.items():
        text = text.replace(
            f"{{{{{name}}}}}", html.escape(part) if name == "alt" else part
        )
    return text


def png(figure: Figure) -> str:
    """Write a figure as PNG into a data URI."""
    picture = io.BytesIO()
    figure.savefig(picture, dpi=100)
    return _uri("png", picture)


def lossless(figure: Figure) -> str:
    """Write a figure as WebP without loss, for a fine screen, into a data URI."""
    picture = io.BytesIO()
    options = {"lossless": True, "quality": 50, "method": 2}
    figure.savefig(picture, format="webp", dpi=220, pil_kwargs=options)
    return _uri("webp", picture)


def webp(colours: ArrayLike) -> str:
    """Write colours (H, W, 3) in [0, 1] as WebP, pixel by pixel, into a data URI."""
    pixels = np.rint(255 * np.clip(colours, 0, 1)).astype(np.uint8)
    picture = io.BytesIO()
    Image.fromarray(pixels).save(picture, "WEBP", quality=QUALITY, method=6)
    return _uri("webp", picture)


def _uri(kind: str, picture: io.BytesIO) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(picture.getvalue()).decode()}"
