"""Numbers as users give them: Python's own, NumPy's, or in a tensor."""

from __future__ import annotations

from numbers import Integral, Real

from torch import Tensor


def real(field: str, value: object) -> float:
    """Return a number as a float, or raise a TypeError that names the field."""
    number = _python(value)
    if isinstance(number, bool) or not isinstance(number, Real):
        raise TypeError(f"{field} must be a number, got {value!r}")
    return float(number)


def integer(field: str, value: object) -> int:
    """Return a whole number as an int, or raise a TypeError that names the field."""
    number = _python(value)
    if isinstance(number, bool) or not isinstance(number, Integral):
        raise TypeError(f"{field} must be an integer, got {value!r}")
    return int(number)


def _python(value: object) -> object:
    """Return what a tensor without dimensions holds, and anything else as it is."""
    return value.item() if isinstance(value, Tensor) and not value.dim() else value
