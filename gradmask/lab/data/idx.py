"""The idx file format, in which Fashion-MNIST is published."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_UNSIGNED_BYTE = 0x08


class DataError(RuntimeError):
    """Data that cannot be loaded whole; the message says how to mend it."""


def read_bytes(path: Path) -> bytes:
    """Read a file, decompressing it if its name ends in ``.gz``.

    Parameters
    ----------
    path : Path
        The file to read.

    Returns
    -------
    bytes
        The (extracted) content.

    Raises
    ------
    DataError
        If the file cannot be read, or is not a whole gzip file.
    """
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read ({error}): check that it is readable, or "
            "delete it and download it again"
        ) from error


def parse_idx(raw: bytes, dimensions: int, path: Path) -> NDArray[np.uint8]:
    """Interpret the content of an idx file of unsigned bytes.

    Parameters
    ----------
    raw : bytes
        Content of the file: two zero bytes, the type code 8, the number of
        dimensions, the size of each as a big-endian 32-bit integer, the values.
    dimensions : int
        The number of dimensions expected.
    path : Path
        Where ``raw`` came from, for the messages.

    Returns
    -------
    ndarray of uint8, read-only
        The values, in the shape that the header declares.

    Raises
    ------
    DataError
        If the magic number is not that of such a file, or the content is shorter
        or longer than its header declares.
    """
    magic = bytes([0, 0, _UNSIGNED_BYTE, dimensions])
    if raw[:4] != magic:
        raise DataError(
            f"{path} starts with {raw[:4].hex(' ') or 'nothing'} where an idx file "
            f"of {dimensions}-dimensional unsigned bytes starts with "
            f"{magic.hex(' ')}: it is another file under this name; download the "
            "published one"
        )
    header = 4 + 4 * dimensions
    shape = [
        int.from_bytes(raw[start : start + 4], "big") for start in range(4, header, 4)
    ]
    if len(raw) != header + math.prod(shape):
        raise DataError(
            f"{path} has {len(raw)} bytes where its header declares "
            f"{header + math.prod(shape)} (shape {tuple(shape)}): the file is "
            "damaged; delete it and download it again"
        )
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)
