"""Numbers in, a number out; arrays or tensors in, a tensor out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps
from numbers import Real
from typing import Any, ParamSpec, Protocol, TypeAlias, cast, overload

import torch
from torch import Tensor

P = ParamSpec("P")


class Array(Protocol):
    """What NumPy's arrays and their like can do."""

    def __array__(self) -> Any:
        """Return a NumPy array."""


Values: TypeAlias = float | Tensor | Array | Sequence[Any]


class ClosedForm(Protocol[P]):
    """A formula of numbers, arrays or tensors that broadcast.

    A word among its arguments, such as the name of a criterion, is none of them.
    """

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, *args: float | str, **kwargs: float | str
    ) -> float: ...

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Tensor: ...


def closed_form(formula: Callable[P, Tensor]) -> ClosedForm[P]:
    """Have a formula return a float where it is given numbers alone."""

    @wraps(formula)
    def of_numbers_too(*args: P.args, **kwargs: P.kwargs) -> float | Tensor:
        result = formula(*args, **kwargs)
        given = (*args, *kwargs.values())
        alone = all(isinstance(value, Real | str) for value in given)
        return result.item() if alone else result

    return cast(ClosedForm[P], of_numbers_too)


def tensors(*values: Values) -> tuple[Tensor, ...]:
    """Numbers become float64 tensors without dimensions, which adapt to the others."""
    tensors = (
        torch.as_tensor(value, dtype=torch.float64 if isinstance(value, Real) else None)
        for value in values
    )
    return tuple(t if t.is_floating_point() else t.double() for t in tensors)


def check_channels(t: Tensor) -> None:
    """Raise ValueError unless every number of channels is at least one."""
    if not (t >= 1).all():
        raise ValueError(f"channels must be at least 1, got {t.tolist()}")


def distribution(t: Tensor) -> Tensor:
    """Distribution function of the standard normal distribution."""
    below: Tensor = torch.special.ndtr(t)
    return below


def density(t: Tensor) -> Tensor:
    """Density of the standard normal distribution."""
    return torch.exp(-t.square() / 2) / math.sqrt(2 * math.pi)
