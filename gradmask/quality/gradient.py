"""Two criteria of gradient quality: what the samples share, and what the mask finds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradmask.functional import error_energy, lateral_mask

__all__ = ["GradientQuality", "gradient_quality", "lateral_quality"]

_COLUMNS = 1 << 16
_SHUFFLES = 7


@dataclass(frozen=True)
class GradientQuality:
    """Share of gradient energy that samples have in common, as estimated from a batch.

    The other names that the literature gives the same quantity are properties, exact
    for the estimates, too.

    Attributes
    ----------
    value : float
        The estimate Q, between ``-1 / (samples - 1)`` and 1; nan if every gradient is
        zero or one is not finite.
    stderr : float
        Its jackknife standard error; nan for fewer than three samples.
    samples : int
        Number of samples B.

    Examples
    --------
    >>> quality = GradientQuality(value=0.2, stderr=0.05, samples=16)
    >>> quality.snr, quality.noise_scale, quality.m_coherence
    (0.25, 4.0, 4.0)
    """

    value: float
    stderr: float
    samples: int

    @property
    def snr(self) -> float:
        """Signal-to-noise ratio, squared mean over variance: ``Q / (1 - Q)``.

        Liu et al., ICLR 2020 (arXiv:2001.07384), take it parameter by parameter.
        """
        return _ratio(self.value, 1 - self.value)

    @property
    def noise_scale(self) -> float:
        """Gradient noise scale, variance over squared mean: ``(1 - Q) / Q``.

        The simple noise scale of McCandlish et al. 2018 (arXiv:1812.06162).
        """
        return _ratio(1 - self.value, self.value)

    @property
    def m_coherence(self) -> float:
        """Samples of the batch that an average one helps: ``1 + (B - 1) Q``.

        From 0 to B; Chatterjee and Zielinski 2020 (arXiv:2008.01217).
        """
        return 1 + (self.samples - 1) * self.value

    @property
    def diversity(self) -> float:
        """Gradient diversity, ``1 / m_coherence``.

        Yin et al., AISTATS 2018 (arXiv:1706.05699).
        """
        return _ratio(1.0, self.m_coherence)


def gradient_quality(grads: Tensor | Mapping[str, Tensor]) -> GradientQuality:
    r"""Share of gradient energy that the samples have in common.

    .. math:: Q = \frac{\lVert \mathrm{E} g \rVert^2}{\mathrm{E} \lVert g \rVert^2},
              \qquad \hat Q = \frac{\big(\lVert \sum g_i \rVert^2
              - \sum \lVert g_i \rVert^2\big) / (B (B - 1))}
              {\sum \lVert g_i \rVert^2 / B}.

    Numerator and denominator are unbiased; their ratio is so in the limit of many
    samples.  1: every sample has the same gradient; 0: nothing in common.

    Parameters
    ----------
    grads : Tensor or mapping of str to Tensor
        Per-sample gradients of shape (B, ...), B at least 2, such as
        :func:`per_sample_gradients` returns.  The tensors of a mapping are taken as
        one long vector (without being copied into one).

    Returns
    -------
    GradientQuality
        The estimate, its jackknife standard error, and related measures.

    Raises
    ------
    ValueError
        If there are fewer than two samples, no tensor at all, or tensors that differ
        in their number of samples.

    Notes
    -----
    Squares are summed in float64 (float32 on devices without it), 65,536 columns at a
    time, from the norms of the gradients and their inner products with the sum alone.

    The jackknife is too wide near zero: for Gaussian gradients it was measured at 1.4
    to 1.5 times the true standard deviation at Q = 0 (8 to 64 samples), at Q = 0.1 at
    1.2 times with 8 samples, 1.1 with 16 and 1.05 with 32, and within 10 % of it from
    Q = 0.3.

    Examples
    --------
    >>> gradient_quality(torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])).value
    1.0
    >>> gradient_quality({"weight": torch.eye(3), "bias": torch.zeros(3, 1)}).value
    0.0
    """
    tensors = [grads] if isinstance(grads, Tensor) else list(grads.values())
    samples = _common_length(tensors)
    if samples < 2:
        raise ValueError(f"at least two samples are needed, got {samples}")
    norms, products = torch.stack([_moments(t) for t in tensors]).sum(0)
    total, norm_of_sum = norms.sum(), products.sum()
    value = _shared(norm_of_sum, total, samples).item()
    if samples == 2:
        return GradientQuality(value, math.nan, samples)
    without_one = _shared(
        norm_of_sum - 2 * products + norms, total - norms, samples - 1
    )
    stderr = math.sqrt(samples - 1) * without_one.std(correction=0).item()
    return GradientQuality(value, stderr, samples)


def lateral_quality(
    delta: Tensor, kernel: Tensor | Sequence[Tensor], threshold: float = 0.0
) -> Tensor:
    r"""How much brighter the kept error is than the rejected, beyond chance.

    With A and B the means of the squared error energy over the positions that the mask
    keeps and rejects, the contrast :math:`c = (A - B)/(A + B)` is above zero for any
    field, since the mask picks what is loud.  It is compared with the mean contrast
    :math:`c_0` of n = 7 shuffled copies of the map, whose masks are computed anew:

    .. math:: \mathrm{LGQ} = \frac{c - c_0}{(1 - c_0) + (1 - c)/n}.

    1: nothing bright is rejected.  0: no more than chance.  Negative: the kernel
    rejects bright structure, because it is too small for it, say.

    Parameters
    ----------
    delta : Tensor
        Error signal of shape (B, C, H, W).
    kernel : Tensor or sequence of Tensor
        One kernel, or several, as in :func:`gradient_mask`.
    threshold : float, default 0.0
        As in :func:`gradient_mask`.

    Returns
    -------
    Tensor
        Shape (B,), between -7 and 1; nan where delta is zero everywhere or not finite.
        A map whose arrangement decides nothing gives 0: a flat one, which is kept
        whole, and one so sparse that it is separated perfectly wherever it is put.

    Raises
    ------
    ValueError
        As :func:`gradient_mask`, also where the map is smaller than the kernel.

    Notes
    -----
    The seven shuffles are the powers of one fixed permutation of order eight, so that
    a map and its shuffled copies form an orbit.  Where a field has no spatial
    structure all eight are equally likely, the denominator, which is
    :math:`8/7` of one less the mean contrast of the eight, is the same for each, and
    the expectation of LGQ is exactly zero, for any distribution of energies.  (The
    plainer :math:`(c - c_0)/(1 - c_0)`, to which it tends for many shuffles, is biased
    downwards by the fluctuation of :math:`c_0`, without bound for sparse maps.)

    Neither the global random state nor the rest of the batch has any influence.

    Examples
    --------
    A blob of the kernel's size on a quiet background:

    >>> from gradmask import laplacian_of_gaussian
    >>> delta = torch.full((1, 1, 16, 16), 0.1)
    >>> delta[..., 6:11, 6:11] = 1
    >>> round(lateral_quality(delta, laplacian_of_gaussian(2.0)).item(), 1)
    0.8
    """
    energy = error_energy(delta)
    energy = energy / energy.amax((2, 3), keepdim=True)
    orders = _orbit(energy.shape[-2] * energy.shape[-1]).to(energy.device)
    arranged = energy.flatten(1)[:, orders].view(-1, 1, *energy.shape[-2:])
    mask = lateral_mask(arranged, kernel, threshold)
    contrasts = _contrast(arranged.square(), mask).view(len(delta), 1 + _SHUFFLES)
    c, c0 = contrasts[:, 0], contrasts[:, 1:].mean(1)
    excess = c - c0
    return torch.where(excess == 0, excess, excess / ((1 - c0) + (1 - c) / _SHUFFLES))


def _moments(grads: Tensor) -> Tensor:
    """Squared norms of the gradients and inner products with their sum, (2, B)."""
    wide = torch.float32 if grads.device.type == "mps" else torch.float64
    flat = grads.detach().reshape(len(grads), math.prod(grads.shape[1:]))
    norms = products = torch.zeros(len(flat), dtype=wide, device=flat.device)
    for block in flat.split(_COLUMNS, dim=1):
        block = block.to(wide)
        norms = norms + block.square().sum(1)
        products = products + block @ block.sum(0)
    return torch.stack([norms, products])


def _shared(norm_of_sum: Tensor, sum_of_norms: Tensor, samples: int) -> Tensor:
    shared = (norm_of_sum - sum_of_norms) / ((samples - 1) * sum_of_norms)
    return shared.clamp(-1 / (samples - 1), 1)


def _common_length(tensors: Sequence[Tensor]) -> int:
    lengths = {t.shape[0] if t.dim() else 0 for t in tensors}
    if len(lengths) != 1:
        raise ValueError(
            "grads must be at least one tensor of shape (B, ...), all with the same B, "
            f"got {[tuple(t.shape) for t in tensors]}"
        )
    return lengths.pop()


def _contrast(power: Tensor, mask: Tensor) -> Tensor:
    kept, rejected = (
        (power * part).sum((1, 2, 3)) / part.sum((1, 2, 3)) for part in (mask, ~mask)
    )
    contrast = (kept - rejected) / (kept + rejected)
    one_sided = mask.flatten(1).all(1) | ~mask.flatten(1).any(1)
    return torch.where(one_sided, 0 * power.sum((1, 2, 3)), contrast)


def _orbit(positions: int) -> Tensor:
    """The identity and the powers of one permutation of order 8, a row each.

    The positions are dealt at random into rings of eight, and the rings turned; up to
    seven positions, which are left over, stay.
    """
    order = 1 + _SHUFFLES
    generator = torch.Generator().manual_seed(0)
    dealt = torch.randperm(positions, generator=generator, device="cpu")
    rings = dealt[: positions - positions % order].view(-1, order)
    orbit = torch.arange(positions, device="cpu").repeat(order, 1)
    for turns in range(1, order):
        orbit[turns, rings] = rings.roll(turns, dims=1)
    return orbit


def _ratio(numerator: float, denominator: float) -> float:
    if denominator:
        return numerator / denominator
    return numerator * math.inf
