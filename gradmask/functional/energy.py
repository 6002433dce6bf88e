"""How strong an error signal is at every position: the energies that compete."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gradmask.functional._numerics import at_least_float32, check_map, each_filtered

__all__ = ["contribution_energy", "error_energy"]

_LARGE_CHANNEL = 2**14


def error_energy(delta: Tensor) -> Tensor:
    r"""Error energy of every position: the L2 norm over channels.

    .. math:: e(x) = \lVert \delta(:, x) \rVert_2

    Parameters
    ----------
    delta : Tensor
        Error signal of shape (B, C, H, W).

    Returns
    -------
    Tensor
        Energy of shape (B, 1, H, W).  Half-precision inputs are squared in float32,
        where nothing in their range over- or underflows.  Squares of float32 inputs
        underflow below about 1e-22 and overflow above about 1e19.

    Raises
    ------
    ValueError
        If delta has not four dimensions.

    Examples
    --------
    >>> error_energy(torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)).item()
    5.0
    """
    check_map("delta", delta)
    return _channel_energy(delta).sqrt()


def contribution_energy(
    delta: Tensor,
    activation: Tensor,
    kernel_size: Sequence[int],
    *,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
    groups: int = 1,
) -> Tensor:
    r"""Norm of what every position contributes to a convolution's weight gradient.

    A position adds the outer product of its error and of the input patch under the
    kernel's window, whose Frobenius norm is a product of norms,

    .. math:: e(x) = \Big(\sum_{g} \lVert\delta_g(x)\rVert^2
              \lVert a_g(\text{window at } x)\rVert^2\Big)^{1/2},

    summed over the groups of the convolution (one for an ordinary one).

    Parameters
    ----------
    delta : Tensor
        Error signal at the convolution's output, of shape (B, C, H, W).
    activation : Tensor
        The convolution's input, of shape (B, C', H', W').
    kernel_size, stride, padding, dilation : sequence of two int
        The convolution's geometry; padding counts zeros on both sides.
    groups : int, default 1
        The convolution's groups.

    Returns
    -------
    Tensor
        Energy of shape (B, 1, H, W), in float32 for half-precision inputs.

    Raises
    ------
    ValueError
        If delta or activation has not four dimensions.

    Examples
    --------
    With a window of one position the norms multiply directly:

    >>> delta, activation = torch.full((1, 1, 2, 2), 3.0), torch.full((1, 1, 2, 2), 2.0)
    >>> contribution_energy(delta, activation, (1, 1)).unique()
    tensor([6.])
    """
    check_map("delta", delta)
    check_map("activation", activation)
    error = _channel_energy(delta, groups)
    if delta.numel() == 0:
        return error[:, :1]
    window = _channel_energy(activation, groups)
    if (*kernel_size, *padding) == (1, 1, 0, 0):
        window = window[..., :: stride[0], :: stride[1]]
    else:
        window = each_filtered(
            window,
            error.new_ones(tuple(kernel_size)),
            stride=tuple(stride),
            padding=tuple(padding),
            dilation=tuple(dilation),
        )
        # Fast algorithms for convolutions may round a zero to below zero.
        window = window.clamp(min=0)
    return (error * window).sum(1, keepdim=True).sqrt()


def _channel_energy(t: Tensor, groups: int = 1) -> Tensor:
    t = at_least_float32(t)
    if groups > 1:
        t = t.reshape(len(t), groups, -1, *t.shape[2:])
        return (t * t).sum(2)
    # A compiler may not ask for strides, and fuses the product anyway.
    if t.device.type == "cpu" and (torch.compiler.is_compiling() or t.stride(1) > 1):
        return _sum_of_squares(t)
    # Reads once; on CPU many times slower than the product, unless channels are last.
    norm: Tensor = torch.linalg.vector_norm(t, dim=1, keepdim=True)
    return norm.square()


def _sum_of_squares(t: Tensor) -> Tensor:
    """Sum over channels: of large ones one by one, lest the square fill memory."""
    if torch.compiler.is_compiling() or t[:, 0].numel() < _LARGE_CHANNEL:
        return (t * t).sum(1, keepdim=True)
    first, *others = t.split(1, dim=1)
    total: Tensor = first * first
    for channel in others:
        total.addcmul_(channel, channel)
    return total
