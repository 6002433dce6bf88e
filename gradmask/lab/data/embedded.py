"""The subset of Fashion-MNIST embedded in the package, and how it was made.

The asset is an xz-compressed array of records, one an image: its index in its
official split, its label, its pixels. In the order of the records,

- *train* is the first 800 of each class of the official training split,
- *validation* the last 200 of each class of the official training split,
- *test* the first 200 of each class of the official test split,

each in its official order, which is a shuffled one. Make the asset again, byte for
byte, from a folder of the four published files::

    python -m gradmask.lab.data.embedded /usr/share/datasets/fashion-mnist
"""

import hashlib
import lzma
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradmask.lab.data.idx import DataError
from gradmask.lab.data.published import (
    SHA256,
    Labelled,
    Published,
    per_class,
    read_folder,
)

ASSET = Path(__file__).parents[1] / "assets" / "fashion-mnist-subset.xz"

ASSET_SHA256 = "54ae88664ae2f22a854ae4c7eea46a9b852963d13ce6072d8ec241840bc41327"
"""sha256 of the records, that is of the decompressed asset."""

RECORD = np.dtype([("index", "<u2"), ("label", "u1"), ("image", "u1", (28, 28))])

_PARTS = (8_000, 2_000, 2_000)


class Subset(NamedTuple):
    """The records of the three splits; arrays of dtype `RECORD`, read-only."""

    train: NDArray[np.void]
    validation: NDArray[np.void]
    test: NDArray[np.void]


def choose(published: Published) -> NDArray[np.void]:
    """Choose the images to embed.

    Parameters
    ----------
    published : Published
        The official splits.

    Returns
    -------
    ndarray of dtype `RECORD`, shape (12000,)
        The records of train, validation and test, one after the other.
    """
    return np.concatenate(
        [
            _records(published.train, slice(None, 800)),
            _records(published.train, slice(-200, None)),
            _records(published.test, slice(None, 200)),
        ]
    )


def read_subset(path: Path) -> Subset:
    """Read the embedded subset and verify its checksum.

    Parameters
    ----------
    path : Path
        The asset, as a rule `ASSET`.

    Returns
    -------
    Subset
        8,000, 2,000 and 2,000 records.

    Raises
    ------
    DataError
        If the file is missing, or differs from what was embedded.
    """
    cure = (
        "reinstall gradmask, or make the file again from the published ones with "
        "python -m gradmask.lab.data.embedded ROOT"
    )
    try:
        payload = lzma.decompress(path.read_bytes())
    except (OSError, lzma.LZMAError) as error:
        raise DataError(f"{path} cannot be read ({error}): {cure}") from error
    if hashlib.sha256(payload).hexdigest() != ASSET_SHA256:
        raise DataError(f"{path} is damaged (sha256 differs): {cure}")
    records = np.frombuffer(payload, RECORD)
    return Subset(*np.split(records, np.cumsum(_PARTS[:-1])))


def _records(split: Labelled, which: slice) -> NDArray[np.void]:
    chosen = per_class(split.labels, which)
    records = np.zeros(len(chosen), RECORD)
    records["index"] = chosen
    records["label"] = split.labels[chosen]
    records["image"] = split.images[chosen]
    return records


def main(root: Path, asset: Path) -> None:
    """Write the asset from a folder of published files, and say what was written."""
    payload = choose(read_folder(root, SHA256)).tobytes()
    asset.write_bytes(lzma.compress(payload, preset=6))
    print(f"{asset}: {asset.stat().st_size} bytes")
    print(f"sha256 of the records: {hashlib.sha256(payload).hexdigest()}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m gradmask.lab.data.embedded ROOT")
    main(Path(sys.argv[1]), ASSET)
