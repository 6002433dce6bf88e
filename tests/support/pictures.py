"""Folders of tiny images: dark cats and bright dogs, or objects with their boxes."""

import numpy as np
import torch
from PIL import Image

OBJECT = """<object><name>{}</name><pose>Left</pose><bndbox><xmin>{}</xmin>
<ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"""


def write_class_folders(root, classes=(("cat", 40), ("dog", 200)), counts=(8, 4)):
    """Noise about a brightness for each class, to train on and to validate with."""
    rng = np.random.default_rng(0)
    for split, count in zip(("train", "val"), counts, strict=True):
        for name, brightness in classes:
            place = root / split / name
            place.mkdir(parents=True)
            for i in range(count):
                noise = rng.integers(-30, 30, (40, 48, 3))
                pixels = (brightness + noise).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{i}.png")
    return root


def write_photograph(folder, name, *objects, size=(40, 20), suffix=".png", deep="deep"):
    """An image that is white in its boxes and black elsewhere, and its annotation."""
    image = folder / "images" / deep / f"{name}{suffix}"
    path = folder / "boxes" / f"{name}.xml"
    for place in (image.parent, path.parent):
        place.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    for _, x0, y0, x1, y1 in objects:
        pixels[int(y0) : int(y1), int(x0) : int(x1)] = 255
    Image.fromarray(pixels).save(image)
    text = "".join(OBJECT.format(*item) for item in objects)
    path.write_text(f"<annotation>{text}</annotation>", "utf-8")
    return path


def picture(path, size=(8, 8), seed=0, **options):
    """Write a picture of random pixels, and return them, (3, H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return torch.from_numpy(pixels).permute(2, 0, 1)
