"""The formulas of the Gradient Mask: pure functions of tensors, without state.

Shapes: B samples, C channels, H by W positions.  ``delta`` is an error signal, the
gradient of the loss with respect to a feature map; ``energy`` is a map of how loud
it is; ``mask`` says which positions are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "contribution_energy",
    "error_energy",
    "gradient_mask",
    "keep_largest",
    "lateral_mask",
    "lateral_response",
    "project_out",
]

_LARGEST_DIRECT_KERNEL = 15
_SMALLEST_STD = 1e-15


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
    _check_map("delta", delta)
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
    """
    _check_map("delta", delta)
    _check_map("activation", activation)
    error = _channel_energy(delta, groups)
    with _no_autocast(error):
        window = F.conv2d(
            _channel_energy(activation, groups),
            error.new_ones(groups, 1, *kernel_size),
            stride=tuple(stride),
            padding=tuple(padding),
            dilation=tuple(dilation),
            groups=groups,
        )
    # Fast algorithms for convolutions may round a zero to below zero.
    return (error * window.clamp(min=0)).sum(1, keepdim=True).sqrt()


def lateral_response(energy: Tensor, kernel: Tensor) -> Tensor:
    r"""Filter an energy map with an on-centre off-surround kernel.

    .. math:: r = k * e

    The map is continued by reflection at its border; the result is positive where a
    position is louder than its surround.

    Parameters
    ----------
    energy : Tensor
        Map of shape (B, 1, H, W).
    kernel : Tensor
        Odd square kernel of shape (k, k), symmetric, cast to the map's dtype.
        Kernels wider than 15 are applied by fast Fourier transform.

    Returns
    -------
    Tensor
        Response of shape (B, 1, H, W), in float32 for half-precision maps.

    Raises
    ------
    ValueError
        If energy is not of shape (B, 1, H, W), kernel is not square and odd, or the
        map is smaller than the kernel.
    """
    _check_map("energy", energy)
    size = len(kernel)
    if energy.shape[1] != 1:
        raise ValueError(
            f"energy must have one channel, got shape {tuple(energy.shape)}"
        )
    if kernel.dim() != 2 or kernel.shape[1] != size or size % 2 == 0:
        raise ValueError(f"kernel must be square and odd, got {tuple(kernel.shape)}")
    if min(energy.shape[-2:]) < size:
        raise ValueError(
            f"a map of {energy.shape[-2]}x{energy.shape[-1]} positions is smaller than "
            f"the {size}x{size} kernel; choose a smaller sigma or size"
        )
    if energy.numel() == 0:
        return energy
    energy = _at_least_float32(energy)
    kernel = kernel.to(energy)
    # The mean is filtered apart, for accuracy: structure stands out from rounding,
    # that of TF32 included, by its height over the mean.
    mean = energy.mean((2, 3), keepdim=True)
    padded = F.pad(energy - mean, (size // 2,) * 4, mode="reflect")
    return _convolved(padded, kernel, mean * kernel.sum())


def _convolved(padded: Tensor, kernel: Tensor, offset: Tensor) -> Tensor:
    size = len(kernel)
    if size <= _LARGEST_DIRECT_KERNEL:
        # With samples as groups: several times faster on CPU than as a batch.
        samples = len(padded)
        weight = kernel.expand(samples, 1, size, size)
        with _no_autocast(padded):
            response = F.conv2d(
                padded.transpose(0, 1), weight, offset.flatten(), groups=samples
            )
        return response.transpose(0, 1)
    shape = padded.shape[-2:]
    spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(kernel, s=shape)
    circular: Tensor = torch.fft.irfft2(spectrum, s=shape)
    return circular[..., size - 1 :, size - 1 :] + offset


def lateral_mask(
    energy: Tensor, kernel: Tensor | Sequence[Tensor], threshold: float = 0.0
) -> Tensor:
    r"""Keep the positions of an energy map that beat their surround.

    .. math:: m(x) = 1[r(x) > \theta s + \epsilon], \qquad r = k * e,

    with s the standard deviation of the response over the positions of a sample, and
    the rounding error :math:`\epsilon = 4 \, \mathrm{eps} \sum |k| \max e`.

    Parameters
    ----------
    energy : Tensor
        Map of shape (B, 1, H, W).
    kernel : Tensor or sequence of Tensor
        One kernel, or several: a position is kept if any of them keeps it.
    threshold : float, default 0.0
        In units of the response's standard deviation, per sample and per kernel.

    Returns
    -------
    Tensor
        Bool mask of shape (B, 1, H, W).  A sample whose response nowhere exceeds
        rounding in magnitude, or is not finite, is kept whole: there is nothing to
        choose.

    Raises
    ------
    ValueError
        As :func:`lateral_response`; also if no kernel is given.
    """
    kernels = [kernel] if isinstance(kernel, Tensor) else list(kernel)
    if not kernels:
        raise ValueError("at least one kernel is needed")
    if energy.numel() == 0:
        return energy > 0
    peak = energy.amax((2, 3), keepdim=True)
    kept, undecided = [], []
    for one in kernels:
        response = lateral_response(energy, one)
        eps = max(torch.finfo(t.dtype).eps for t in (one, energy))
        rounding = 4 * eps * one.abs().sum() * peak
        flat = ~(response.abs().amax((2, 3), keepdim=True) > rounding)
        level = threshold * _spread(response) + rounding if threshold else rounding
        kept.append((response > level) & ~flat)
        undecided.append(flat)
    return torch.stack(kept).any(0) | torch.stack(undecided).all(0)


def gradient_mask(
    delta: Tensor, kernel: Tensor | Sequence[Tensor], threshold: float = 0.0
) -> Tensor:
    r"""Lateral inhibition of an error signal: which positions are kept.

    The composition of :func:`error_energy` and :func:`lateral_mask`; the masked error
    is ``mask * delta``.  The mask is computed for each sample alone and does not
    change when delta is scaled.

    Parameters
    ----------
    delta : Tensor
        Error signal of shape (B, C, H, W).
    kernel : Tensor or sequence of Tensor
        One kernel, or several: a position is kept if any of them keeps it.
    threshold : float, default 0.0
        In units of the response's standard deviation over the sample's positions.

    Returns
    -------
    Tensor
        Bool mask of shape (B, 1, H, W).

    Raises
    ------
    ValueError
        As :func:`error_energy` and :func:`lateral_mask`.

    References
    ----------
    Jiang et al., arXiv:2208.06918, propose the mechanism; its abstract gives no
    formula, and this one is a reconstruction.

    Examples
    --------
    One loud position silences its neighbours:

    >>> from gradmask import laplacian_of_gaussian
    >>> delta = torch.ones(1, 1, 5, 5)
    >>> delta[..., 2, 2] = 3
    >>> gradient_mask(delta, laplacian_of_gaussian(0.5, size=3)).int()[0, 0]
    tensor([[0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0],
            [0, 0, 1, 0, 0],
            [0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0]], dtype=torch.int32)
    """
    return lateral_mask(error_energy(delta), kernel, threshold)


def keep_largest(score: Tensor, mask: Tensor) -> Tensor:
    """Keep as many positions of every sample as `mask` does: those of largest score.

    The controls of lateral inhibition: with random scores a random mask, with the
    energy as score a top-k mask, both at the keep rate of the mask beside them.

    Parameters
    ----------
    score : Tensor
        Map of shape (B, 1, H, W).
    mask : Tensor
        Bool mask of the same shape, of which only the count per sample is used.

    Returns
    -------
    Tensor
        Bool mask of shape (B, 1, H, W).

    Examples
    --------
    >>> mask = torch.tensor([[[[True, False, True]]]])
    >>> keep_largest(torch.tensor([[[[1.0, 3.0, 2.0]]]]), mask)
    tensor([[[[False,  True,  True]]]])
    """
    order = score.flatten(1).argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(dim=1).view_as(score)
    return rank < mask.sum((1, 2, 3), keepdim=True)


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
    """
    if delta.numel() == 0:
        return delta
    d, f = _at_least_float32(delta), _at_least_float32(z)
    if groups is not None:
        d, f = (t.reshape(1, len(t) * groups, -1) for t in (d, f))
    dims = [0, *range(2, f.dim())]
    mean = f.mean(dims, keepdim=True)
    std = (f - mean).square().mean(dims).sqrt().clamp(min=_SMALLEST_STD)
    # The backward pass of a batch normalisation whose weight undoes its division.
    projected: Tensor = torch.ops.aten.native_batch_norm_backward(
        d, f, std, None, None, mean.detach().flatten(), 1 / std.detach(), True, 0.0,
        [True, False, False],
    )[0]  # fmt: skip
    return projected.to(delta.dtype).view_as(delta)


def _channel_energy(t: Tensor, groups: int = 1) -> Tensor:
    t = _at_least_float32(t)
    if groups > 1:
        t = t.reshape(len(t), groups, -1, *t.shape[2:])
        return (t * t).sum(2)
    return (t * t).sum(1, keepdim=True)


def _spread(response: Tensor) -> Tensor:
    return response.std((2, 3), correction=0, keepdim=True)


def _no_autocast(t: Tensor) -> torch.autocast:
    return torch.autocast(t.device.type, enabled=False)


def _at_least_float32(t: Tensor) -> Tensor:
    return t.float() if t.dtype in (torch.float16, torch.bfloat16) else t


def _check_map(name: str, t: Tensor) -> None:
    if t.dim() != 4:
        raise ValueError(f"{name} must have shape (B, C, H, W), got {tuple(t.shape)}")
