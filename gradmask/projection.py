"""Projecting a masked error onto what a normalisation lets through."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.linalg import vector_norm

from gradmask.energy import at_least_float32

__all__ = ["project_out"]

_SMALLEST_STD = 1e-15


def project_out(delta: Tensor, z: Tensor, groups: int | None = None) -> Tensor:
    r"""Remove from an error signal what a normalisation of z would not let through.

    After a normalisation the loss does not see a shift and a scale of z, so a true
    error has no part along either:

    .. math:: \delta \leftarrow \delta - \overline{\delta}
              - \hat z \, \overline{\delta \hat z},

    where z-hat is z normalised and the bars are means over what is normalised
    together.  The gradient of a convolution that outputs z is then orthogonal to the
    convolution's weight, as without a mask.

    Parameters
    ----------
    delta, z : Tensor
        Error signal and the feature map it belongs to, of shape (B, C, H, W).
    groups : int, optional
        None: batch normalisation, each channel over all samples and positions.
        A number: group normalisation of each sample (the number of channels:
        instance normalisation; 1: layer normalisation over the whole map).

    Returns
    -------
    Tensor
        Of the shape and dtype of delta.

    Examples
    --------
    >>> delta, z = torch.randn(2, 8, 3, 5, 5, dtype=torch.float64)
    >>> projected = project_out(delta, z)
    >>> bool(projected.mean((0, 2, 3)).abs().max() < 1e-12)
    True
    >>> bool((projected * z).mean((0, 2, 3)).abs().max() < 1e-12)
    True
    """
    if delta.numel() == 0:
        return delta
    d, f = at_least_float32(delta), at_least_float32(z)
    if groups is not None:
        d, f = (t.reshape(1, len(t) * groups, -1) for t in (d, f))
    mean = f.mean((0, *range(2, f.dim())), keepdim=True)
    # Over positions, then over samples: far faster on CPU than over both at once.
    norm = vector_norm(vector_norm((f - mean).flatten(2), dim=2), dim=0)
    std = (norm / (f[:, 0].numel() ** 0.5)).clamp(min=_SMALLEST_STD)
    # The backward pass of a batch normalisation whose weight undoes its division.
    projected: Tensor = torch.ops.aten.native_batch_norm_backward(
        d, f, std, None, None, mean.detach().flatten(), 1 / std.detach(), True, 0.0,
        [True, False, False],
    )[0]  # fmt: skip
    return projected.to(delta.dtype).view_as(delta)
