"""Where an energy lies: the share of it on an object."""

from __future__ import annotations

from torch import Tensor

__all__ = ["energy_share"]


def energy_share(
    energy: Tensor, on: Tensor, dim: tuple[int, ...] | None = (-2, -1)
) -> Tensor:
    """Share of an energy that lies at some positions.

    Parameters
    ----------
    energy : Tensor
        Not negative, such as maps of shape (N, H, W): squared errors, or saliency.
    on : Tensor of bool
        Of a shape that broadcasts with the energy's, True at these positions.
    dim : tuple of int or None, default (-2, -1)
        Axes to sum over.  Default: every map has a share of its own.  None: all maps
        together have one.

    Returns
    -------
    Tensor
        In [0, 1], of shape (N,) for maps (N, H, W); nan for an energy of zeros.
    """
    return (energy * on).sum(dim) / energy.sum(dim)
