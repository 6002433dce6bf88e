"""Made files in the layout of Fashion-MNIST, by a writer of our own."""

import gzip
import hashlib
import struct

import numpy as np

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def idx(values):
    """Independent writer of the idx format."""
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + (
        values.tobytes()
    )


def made_set(train_per_class, test_per_class, seed=0):
    """Contents of the four files; each image carries its own index."""
    rng = np.random.default_rng(seed)
    contents = []
    for count in (10 * train_per_class, 10 * test_per_class):
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, 0, :2] = np.arange(count, dtype=">u2").view(np.uint8).reshape(-1, 2)
        images[:, 0, 2] = 255
        labels = rng.permutation(np.arange(count) % 10).astype(np.uint8)
        contents += [images, labels]
    return dict(zip(FILES, contents, strict=True))


def write(folder, contents, compressed=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in contents.items():
        raw = values if isinstance(values, bytes) else idx(values)
        if compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(raw))
        else:
            (folder / name).write_bytes(raw)
    return folder


def checksums(contents):
    return {
        name: hashlib.sha256(idx(values)).hexdigest()
        for name, values in contents.items()
    }
