"""Photographs with a box about their object, annotated in the form of Pascal VOC.

ImageNet's localisation annotations have the same form.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import v2
from torchvision.transforms.v2.functional import center_crop, resize
from torchvision.tv_tensors import BoundingBoxes

from gradmask.lab.data.idx import DataError

__all__ = [
    "MEAN",
    "STD",
    "Photograph",
    "Photographs",
    "central_square",
    "read_annotation",
    "read_picture",
]

FORMATS = {".jpg", ".jpeg", ".png"}
SIDE = 224
DEEP = 2**16 - 1
_TooLarge = Image.DecompressionBombError
_TRANSPARENT = {"LA", "La", "PA", "RGBA", "RGBa"}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colours of ImageNet, as torchvision's networks are used to."""

Box = tuple[float, float, float, float]


class Photograph(NamedTuple):
    """An image and the one object in it.

    Attributes
    ----------
    image : Tensor of float32, shape (3, side, side)
        In [0, 1].
    label : Tensor of int64, shape ()
        Index of the class.
    box : Tensor of int64, shape (4,)
        Box (x0, y0, x1, y1) in the resized image, half-open.
    """

    image: Tensor
    label: Tensor
    box: Tensor


class Photographs(Dataset[Photograph]):
    """A folder of images, each of which has an XML file of the same name elsewhere.

    Where several images have the same name, both folders are laid out alike.

    Only images with a single object of the classes are kept, so that there is one box
    to be found.  An image is stretched to a square, and its box with it, rounded
    outwards.

    Parameters
    ----------
    images : Path
        Folder of JPEG or PNG files, at any depth.
    annotations : Path
        Folder of the XML files, at any depth.
    classes : sequence of str, optional
        Names of the classes, in the order of the network's logits.  Default: all the
        names in the annotations, sorted.
    side : int, default 224
        To how many pixels each side of an image is stretched.

    Attributes
    ----------
    classes : tuple of str
        Names of the classes.
    left_out : int
        Number of images with several objects.

    Raises
    ------
    DataError
        If there is no image, an image has no XML file or may have several, a file
        cannot be read as what it
        is, or an image has no box of any of the classes.
    """

    def __init__(
        self,
        images: Path,
        annotations: Path,
        classes: Sequence[str] | None = None,
        *,
        side: int = SIDE,
    ) -> None:
        files = sorted(p for p in images.rglob("*") if p.suffix.lower() in FORMATS)
        if not files:
            raise DataError(f"there are no JPEG or PNG images in {images}")
        documents = _documents(files, images, annotations)
        found = [(path, read_annotation(documents[path])) for path in files]
        names = {name for _, objects in found for name, _ in objects}
        self.classes = tuple(sorted(names) if classes is None else classes)
        known = {name: index for index, name in enumerate(self.classes)}
        self._items: list[tuple[Path, int, Box]] = []
        for path, objects in found:
            own = [(known[name], box) for name, box in objects if name in known]
            if not own:
                raise DataError(
                    f"{documents[path]} has no box of the {len(known)} classes"
                )
            if len(own) == 1:
                self._items.append((path, *own[0]))
        self.left_out = len(found) - len(self._items)
        self._resized = v2.Compose(
            [
                v2.ToImage(),
                v2.Resize((side, side)),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Photograph:
        path, label, (x0, y0, x1, y1) = self._items[index]
        picture = read_picture(path)
        width, height = picture.size
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            raise DataError(
                f"{path} has {width}x{height} pixels, and its box "
                f"({x0:g}, {y0:g}, {x1:g}, {y1:g}) is empty or leaves them"
            )
        box = BoundingBoxes(
            torch.tensor([[x0, y0, x1, y1]]), format="XYXY", canvas_size=(height, width)
        )
        image, (corners,) = self._resized(picture, box)
        corners = torch.cat([corners[:2].floor(), corners[2:].ceil()])
        return Photograph(
            image.as_subclass(Tensor), torch.tensor(label), corners.long()
        )


def _documents(
    files: Sequence[Path], images: Path, annotations: Path
) -> dict[Path, Path]:
    """Annotation of every image: that of its relative path, or the one of its name."""
    alike: defaultdict[str, list[Path]] = defaultdict(list)
    for document in annotations.rglob("*.xml"):
        alike[document.stem].append(document)
    stems = Counter(path.stem for path in files)

    def of(path: Path) -> Path:
        same = annotations / path.relative_to(images).with_suffix(".xml")
        if same.is_file():
            return same
        named = alike[path.stem]
        if not named:
            raise DataError(f"there is no {path.stem}.xml in {annotations}")
        if len(named) > 1 or stems[path.stem] > 1:
            raise DataError(
                f"{path} may belong to any {path.stem}.xml in {annotations}: lay out "
                "both folders alike, or give every image a name of its own"
            )
        return named[0]

    return {path: of(path) for path in files}


def read_picture(path: Path | str) -> Image.Image:
    """Read an image in colour, turned upright as its EXIF data say.

    What is transparent is laid on white; 16 bits of grey are rounded to 8.

    Raises
    ------
    DataError
        If the file is not a whole image, or holds numbers of 32 bits, whose range is
        unknown.
    """
    try:
        with Image.open(path) as opened:
            return _in_colour(_eight_bits(ImageOps.exif_transpose(opened), path))
    except (_TooLarge, OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path} cannot be read as an image: {error}") from error


def central_square(picture: Image.Image, side: int) -> Tensor:
    """Bring the shorter side of a picture to a size, and keep the middle.

    Parameters
    ----------
    picture : Image
        In colour.
    side : int
        In pixels.

    Returns
    -------
    Tensor of float32, shape (3, side, side)
        In [0, 1].
    """
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    small = resize(pixels, [side], antialias=True)
    square: Tensor = center_crop(small, [side, side]) / 255
    return square


def _eight_bits(picture: Image.Image, path: Path | str) -> Image.Image:
    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.asarray(picture)
    if picture.mode == "F" or values.min() < 0 or values.max() > DEEP:
        raise DataError(
            f"{path} holds numbers of 32 bits: save it with 8 or 16 bits a channel"
        )
    return Image.fromarray((values * (255 / DEEP)).round().astype(np.uint8))


def _in_colour(picture: Image.Image) -> Image.Image:
    if picture.mode in _TRANSPARENT or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        picture = Image.alpha_composite(white, clear)
    return picture.convert("RGB")


def read_annotation(path: Path) -> list[tuple[str, Box]]:
    """Read the objects of an annotation: each one's name and (x0, y0, x1, y1).

    Pascal VOC counts pixels from one and ImageNet from nought; the numbers are taken as
    edges, which is at most a pixel off.

    Parameters
    ----------
    path : Path
        The XML file.

    Returns
    -------
    list
        A pair for each object, in the order of the file.

    Raises
    ------
    DataError
        If the file is not such an annotation.  Document types are refused, for the
        entities that they define can be made to fill the memory.
    """
    try:
        parser = ElementTree.XMLParser(target=_WithoutDoctype())
        root = ElementTree.parse(path, parser).getroot()
        return [
            (
                _text(item, "name"),
                (
                    float(_text(item, "bndbox/xmin")),
                    float(_text(item, "bndbox/ymin")),
                    float(_text(item, "bndbox/xmax")),
                    float(_text(item, "bndbox/ymax")),
                ),
            )
            for item in root.iter("object")
        ]
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(f"{path} is not an annotation: {error}") from error


class _WithoutDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("it has a document type, which is refused")


def _text(item: ElementTree.Element, tag: str) -> str:
    text = (item.findtext(tag) or "").strip()
    if not text:
        raise ValueError(f"an object has no {tag}")
    return text
