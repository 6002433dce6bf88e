"""Photographs and their maps in a page, which needs neither kernel nor network."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from gradmask.lab.figures.pages import filled, webp
from gradmask.lab.figures.photographs import TITLES, Seen, overlaid

__all__ = ["Exhibit", "Gallery", "MapSwitch", "brightest"]

ORANGE = (213 / 255, 94 / 255, 0.0)
TILE = 256
LARGE = 448


class Exhibit(NamedTuple):
    """A photograph in the gallery.

    Attributes
    ----------
    shows, description : str
        Its object in a few words, and the whole in a sentence.
    seen : Seen
        What a network says of it, and the maps of the first answer; the image may be
        larger than they are.
    box : sequence of int, optional
        About the object (x0, y0, x1, y1), half-open, in pixels of the image.
    """

    shows: str
    description: str
    seen: Seen
    box: Sequence[int] | None = None


class Gallery:
    """Photographs and their maps side by side, shown by a notebook.

    Every picture is a WebP of 256x256 pixels; an object's box is drawn in orange.

    Parameters
    ----------
    exhibits : sequence of Exhibit
        The photographs, in square images.
    """

    def __init__(self, exhibits: Sequence[Exhibit]) -> None:
        self.exhibits = exhibits

    def _repr_html_(self) -> str:
        figures = "\n".join(map(_figure, self.exhibits))
        return filled("photograph-gallery.html", {"figures": figures})


class MapSwitch:
    """One photograph, whose map follows the reader's pointer, finger or keyboard.

    Pictures are WebP of 448x448 pixels.  Where scripts are off, the first map stands
    still.

    Parameters
    ----------
    exhibit : Exhibit
        The photograph, in a square image.
    """

    def __init__(self, exhibit: Exhibit) -> None:
        self.exhibit = exhibit

    def _repr_html_(self) -> str:
        pictures = _pictures(self.exhibit, LARGE)
        (answer, probability), *_ = self.exhibit.seen.answers
        first = next(iter(self.exhibit.seen.maps))
        source, alt = pictures[first]
        parts = {
            "options": "\n".join(map(_option, pictures)),
            "pictures": "\n".join(
                f'<img class="dark-light" data-map="{name}" src="{uri}" '
                f'width="{LARGE}" height="{LARGE}" alt="{html.escape(text)}" hidden>'
                for name, (uri, text) in pictures.items()
            ),
            "first": first,
            "answer": f"{html.escape(answer)}, {probability:.0%}",
            "side": str(LARGE),
            "still": source,
            "alt": alt,
        }
        return filled("map-switch.html", parts)


def brightest(field: ArrayLike) -> str:
    """Say in which ninth of a map most of it lies: "the middle", "the upper left"."""
    values = np.asarray(field, dtype=float)
    parts = [
        cell.sum()
        for row in np.array_split(values, 3)
        for cell in np.array_split(row, 3, axis=1)
    ]
    row, column = divmod(int(np.argmax(parts)), 3)
    words = ("upper", "", "lower")[row], ("left", "", "right")[column]
    place = " ".join(filter(None, words))
    return f"the {place or 'middle'}" + (" half" if place in {"upper", "lower"} else "")


def _figure(exhibit: Exhibit) -> str:
    (answer, probability), *_ = exhibit.seen.answers
    pictures = _pictures(exhibit, TILE)
    tiles = "\n".join(
        f'<div><img class="dark-light" width="{TILE}" height="{TILE}" loading="lazy" '
        f'src="{uri}" alt="{html.escape(text)}"><span>{_title(name)}</span></div>'
        for name, (uri, text) in pictures.items()
    )
    columns = 4 if len(pictures) == 4 else 3
    says = f"the network says <strong>{html.escape(answer)}</strong>, {probability:.0%}"
    shows = html.escape(exhibit.shows[0].upper() + exhibit.shows[1:])
    return (
        f"<figure><figcaption>{shows}: {says}</figcaption>\n"
        f'<div class="tiles" style="--columns: {columns}">{tiles}</div></figure>'
    )


def _option(name: str) -> str:
    return (
        f'<label><input type="radio" name="map-switch" value="{name}">'
        f" {_title(name)}</label>"
    )


def _title(name: str) -> str:
    return TITLES.get(name, name)


def _pictures(exhibit: Exhibit, side: int) -> Mapping[str, tuple[str, str]]:
    """Data URI and alternative text of the photograph and of every map."""
    seen = exhibit.seen
    image = np.stack([_resized(colour, side) for colour in np.asarray(seen.image)])
    corners = None
    if exhibit.box is not None:
        corners = np.array(exhibit.box) / np.shape(seen.image)[-1]
    plain = _framed(image.transpose(1, 2, 0), corners)
    found = {"photograph": (webp(plain), exhibit.description)}
    answer = seen.answers[0][0]
    for name, field in seen.maps.items():
        larger = np.maximum(_resized(np.asarray(field), side), 0)
        text = (
            f"{_title(name)[0].upper()}{_title(name)[1:]} of “{answer}” over the "
            f"photograph of {exhibit.shows}: brightest in {brightest(field)}"
        )
        if corners is not None:
            text += f", {_within(field, corners):.0%} of it within the object's box"
        found[name] = webp(_framed(overlaid(image, larger), corners)), f"{text}."
    return found


def _resized(values: NDArray[np.floating], side: int) -> NDArray[np.floating]:
    picture = Image.fromarray(np.asarray(values, dtype=np.float32))
    return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))


def _framed(
    colours: NDArray[np.floating], corners: NDArray[np.floating] | None
) -> NDArray[np.floating]:
    """Draw a box, if there is one, of two pixels' width just inside its corners."""
    if corners is None:
        return colours
    x0, y0, x1, y1 = np.rint(corners * len(colours)).astype(int)
    framed = np.array(colours)
    inside = framed[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].copy()
    framed[y0:y1, x0:x1] = ORANGE
    framed[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2] = inside
    return framed


def _within(field: ArrayLike, box: NDArray[np.floating]) -> float:
    """Share of a map in a box, whose corners are shares of the sides."""
    values = np.asarray(field, dtype=float)
    x0, y0, x1, y1 = np.rint(box * values.shape[-1]).astype(int)
    return float(values[y0:y1, x0:x1].sum() / (values.sum() or 1.0))
