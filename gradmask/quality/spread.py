"""How far estimates of gradient quality scatter, and how many samples they need."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gradmask.quality.gradient import common_length

__all__ = ["QualitySpread", "quality_spread"]


@dataclass(frozen=True)
class QualitySpread:
    r"""What the standard error of an estimate of Q depends on, for any batch.

    Write :math:`g = \mu + \varepsilon` with :math:`\mu = \mathrm{E} g`, and
    :math:`D = \mathrm{E} \lVert g \rVert^2`.  To first order the variance of the
    estimate from B independent samples is

    .. math:: \frac{1}{D^2} \Big(\frac{4 \zeta_1}{B} + \frac{2 \zeta_2}{B (B - 1)}\Big),
              \qquad \zeta_1 = \mathrm{Var}\big(\langle \mu, g \rangle
              - \tfrac{1}{2} Q \lVert g \rVert^2\big), \qquad
              \zeta_2 = \mathrm{E} \langle \varepsilon, \varepsilon' \rangle^2 .

    Attributes
    ----------
    value : float
        Q.
    single : float
        zeta_1 / D^2, the part of a sample alone; it vanishes with Q.
    paired : float
        zeta_2 / D^2, the part of pairs; it stays when Q is zero.

    References
    ----------
    Hoeffding, *A class of statistics with asymptotically normal distribution*, Annals
    of Mathematical Statistics 19, 1948.

    Examples
    --------
    >>> spread = QualitySpread.isotropic(0.1, directions=6)
    >>> spread.samples(0.1 / 3)
    62
    """

    value: float
    single: float
    paired: float

    @classmethod
    def isotropic(cls, value: float, directions: float) -> QualitySpread:
        """Spread for Gaussian noise of the same variance in all of its directions.

        Parameters
        ----------
        value : float
            Q.
        directions : float
            The effective number of directions, D^2 / zeta_2.

        Returns
        -------
        QualitySpread
            With zeta_1 = (Q - Q^2 / 2) zeta_2, an identity for such noise.
        """
        return cls(value, (value - value**2 / 2) / directions, 1 / directions)

    @property
    def directions(self) -> float:
        """Effective number of the noise's directions, D^2 / zeta_2."""
        return 1 / self.paired if self.paired else math.inf

    def stderr(self, samples: int) -> float:
        """Standard error of the estimate from so many samples, at least two.

        Raises
        ------
        ValueError
            If there are fewer than two samples.
        """
        if samples < 2:
            raise ValueError(f"at least two samples are needed, got {samples}")
        pairs = samples * (samples - 1) / 2
        return math.sqrt(4 * self.single / samples + self.paired / pairs)

    def samples(self, stderr: float) -> int:
        r"""Least number of samples, at least two, whose standard error is no larger.

        With :math:`t` for the error it is the larger root of
        :math:`t^2 B^2 - (t^2 + 4 \zeta_1/D^2) B + 4 \zeta_1/D^2 - 2 \zeta_2/D^2`,
        rounded up.

        Raises
        ------
        ValueError
            If the error is not positive.
        """
        if not stderr > 0:
            raise ValueError(f"stderr must be positive, got {stderr}")
        single, paired = 4 * self.single / stderr**2, 2 * self.paired / stderr**2
        root = (1 + single + math.sqrt((1 - single) ** 2 + 4 * paired)) / 2
        return max(2, math.ceil(root * (1 - 1e-12)))


def quality_spread(grads: Tensor | Mapping[str, Tensor]) -> QualitySpread:
    r"""What the standard error of Q depends on, measured from per-sample gradients.

    Both parts are read off the matrix of the samples' inner products.  The part of
    pairs is the unbiased estimate of the squared norm of the noise's covariance
    matrix; from the variance of the samples' means over the others, which estimates
    the single part, the share of the pairs is taken off.

    Parameters
    ----------
    grads : Tensor or mapping of str to Tensor
        As of :func:`gradient_quality`, of at least four samples.

    Returns
    -------
    QualitySpread
        Its parts are cut at zero.

    Raises
    ------
    ValueError
        If there are fewer than four samples, or as :func:`gradient_quality`.

    References
    ----------
    Székely and Rizzo, *The distance correlation t-test of independence in high
    dimension*, Journal of Multivariate Analysis 117, 2013, for the unbiased centring.

    Examples
    --------
    >>> g = torch.randn(64, 50, generator=torch.Generator().manual_seed(0))
    >>> spread = quality_spread(g)
    >>> bool(40 < spread.directions < 60)
    True
    """
    tensors = [grads] if isinstance(grads, Tensor) else list(grads.values())
    count = common_length(tensors)
    if count < 4:
        raise ValueError(f"at least four samples are needed, got {count}")
    gram = torch.stack([_gram(t) for t in tensors]).sum(0)
    own = gram.diagonal()
    energy = own.mean()
    pairs = gram - own.diag()
    sums = pairs.sum(0)
    value = pairs.sum() / (count - 1) / own.sum()

    centred = pairs - (sums + sums[:, None]) / (count - 2)
    centred = centred + sums.sum() / ((count - 1) * (count - 2))
    squares = centred.square().sum() - centred.diagonal().square().sum()
    paired = squares / (count * (count - 3))
    single = (sums / (count - 2) - value * own / 2).var() - paired / (count - 2)

    parts = (float((part / energy**2).clamp(min=0)) for part in (single, paired))
    return QualitySpread(value.item(), *parts)


def _gram(grads: Tensor) -> Tensor:
    wide = torch.float32 if grads.device.type == "mps" else torch.float64
    flat = grads.detach().reshape(len(grads), math.prod(grads.shape[1:])).to(wide)
    return flat @ flat.T
