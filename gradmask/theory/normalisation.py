"""What a mask gains at a convolution that a batch normalisation follows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["normalised_gain"]


def normalised_gain(
    hit_rate: float,
    false_alarm_rate: float,
    support: Any,
    activations: Tensor,
    feature_map: Tensor,
    *,
    fluctuation: float = 0.0,
) -> float:
    r"""What a projected mask gains in front of a batch normalisation.

    A normalisation lets no part of an error through that lies along one or along the
    normalised feature map :math:`\hat z`, so that only activations without these parts
    count, :math:`\tilde a = a - \overline{a} - \hat z\, \overline{a \hat z}`.  With
    :math:`T = \sum_\Omega \tilde a`, :math:`Z = \sum_\Omega \hat z \tilde a`,
    :math:`\zeta = \overline{\hat z 1_\Omega}`, the share of the area
    :math:`\omega_0 = \overline{1_\Omega}` and the occupancy :math:`\tilde\omega` by
    :math:`\lVert \tilde a \rVert^2`, the gain in one channel is

    .. math:: \frac{\big\lVert \big(p (1 - \omega_0) + q\, \omega_0\big) T
                    - (p - q)\, \zeta Z \big\rVert^2 / \lVert T \rVert^2}
                   {\tilde\omega p + (1 - \tilde\omega) q - (p - q)^2\,
                    (\lVert T \rVert^2 + \lVert Z \rVert^2) /
                    \sum 1 \sum \lVert \tilde a \rVert^2 + \varphi},

    with sums and means over batch and positions.  Channels add up, above and below,
    in the ratio and in the plain gradient.

    Parameters
    ----------
    hit_rate, false_alarm_rate : float
        p and q of a mask that does not look at the noise, whose result is projected
        (:func:`gradmask.functional.project_out`).
    support : (H, W) or (B, H, W) array or tensor
        True on the object.
    activations : Tensor
        a, of shape (B, K, H, W): what the convolution reads, at each position stacked
        under its window (:func:`torch.nn.functional.unfold`).
    feature_map : Tensor
        z, of shape (B, C, H, W): what the convolution returns and the normalisation
        reads.
    fluctuation : float, default 0.0
        Noise that the mask adds by varying, over the noise of the plain gradient.

    Returns
    -------
    float
        The gain.  A signal of the same length in every channel is taken for granted,
        and noise of the same variance.

    Raises
    ------
    ValueError
        If the shapes do not fit, a rate is negative, or the gradient of the plain
        error is zero: then activations are the same everywhere, or have two levels.

    Examples
    --------
    Where activations do not distinguish the object, a perfect mask gains less than
    one over its share, which is four here:

    >>> generator = torch.Generator().manual_seed(0)
    >>> a = torch.randn(8, 5, 12, 12, generator=generator)
    >>> support = torch.arange(12) < 3
    >>> a[:, 0] += support
    >>> round(normalised_gain(1.0, 0.0, support.expand(12, 12), a, a[:, 3:]), 1)
    1.9
    """
    p, q = hit_rate, false_alarm_rate
    if min(p, q) < 0:
        raise ValueError(f"rates must not be negative, got {p} and {q}")
    a, z = (t.detach().double().cpu() for t in (activations, feature_map))
    on = torch.as_tensor(support, device="cpu") != 0
    if a.dim() != 4 or z.dim() != 4 or a[:, 0].shape != z[:, 0].shape:
        raise ValueError(
            "activations and feature_map must have shapes (B, K, H, W) and "
            f"(B, C, H, W), got {tuple(a.shape)} and {tuple(z.shape)}"
        )
    if on.shape not in (z.shape[2:], z[:, 0].shape):
        raise ValueError(
            f"support must have shape (H, W) or (B, H, W), got {tuple(on.shape)}"
        )
    on = on.expand_as(z[:, 0]).flatten()
    a, z = (t.transpose(0, 1).flatten(1) for t in (a, z))  # (K, N), (C, N)
    count, whole = on.numel(), a.square().sum()
    a = a - a.mean(1, keepdim=True)
    z = z - z.mean(1, keepdim=True)
    z = z / z.square().mean(1, keepdim=True).sqrt()
    along = z @ a.T / count  # (C, K)

    object_z, object_a = z * on, a * on
    seen = object_z @ a.T  # (C, K)
    square = (object_z * z).sum(1)
    first = object_a.sum(1) - object_z.sum(1, keepdim=True) * along
    second = seen - square[:, None] * along
    energy = a.square().sum() - count * along.square().sum(1)
    object_energy = object_a.square().sum() - 2 * (along * seen).sum(1)
    object_energy += square * along.square().sum(1)

    plain, noise = first.square().sum(), energy.sum()
    if not min(plain, noise) > 1e-12 * whole:
        raise ValueError("behind this normalisation the plain gradient is zero")
    share = on.double().mean()
    signal = (p * (1 - share) + q * share) * first
    signal -= (p - q) * object_z.mean(1, keepdim=True) * second
    lost = (p - q) ** 2 * (plain + second.square().sum()) / (count * noise)
    occupancy = object_energy.sum() / noise
    kept = occupancy * p + (1 - occupancy) * q - lost + fluctuation
    return (signal.square().sum() / plain / kept).item()
