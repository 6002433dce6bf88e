"""What decides a bit: by how much the response exceeds the mask's own level."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from gradmask.theory._broadcast import distribution
from gradmask.theory._response import Response


class Margin(NamedTuple):
    r"""r - theta sigma_r at n positions, to second order in the noise of the energies.

    With eps the energies less their means it is, at position x,
    ``mean[x] + weights[x] @ eps + eps @ Q @ eps`` less the last term's mean.  The form
    Q comes from the unit sigma_r and is the same at every position; it is
    ``-share * (the variance of the response over the map - slope slope^T)``.
    """

    mean: Tensor  # (n,)
    variance: Tensor  # (n,)
    third: Tensor  # (n,), the third cumulant
    weights: Tensor  # (n, n)
    response: Tensor  # (n, n), covariance with the response less its mean over the map
    unit: Tensor  # (n,), covariance with the unit
    skewed: Tensor  # (n,), covariance of the terms of first and of second order
    jitter: Tensor  # variance of the term of second order
    share: Tensor
    energy_variance: Tensor  # (n,)
    energy_third: Tensor  # (n,)

    def among(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Covariance, and third cumulants of x, x, y, of chosen positions x and y."""
        weights, response, unit, skewed = (
            part[chosen]
            for part in (self.weights, self.response, self.unit, self.skewed)
        )
        covariance = weights * self.energy_variance @ weights.T + self.jitter
        covariance += skewed[:, None] + skewed
        bent = response @ response.T / len(self.mean) - torch.outer(unit, unit)
        bent *= -self.share
        third = weights.square() * self.energy_third @ weights.T
        return covariance, third + 2 * bent.diagonal()[:, None] + 4 * bent


def margin_of(response: Response, energy_third: Tensor, threshold: float) -> Margin:
    r"""Expand the unit about the mean energies, and subtract theta times it.

    The squared unit, the response's variance over the map, is a quadratic form of the
    energies; the root of a variable S of mean s^2 is
    ``s + (S - s^2) / (2 s) - (S - s^2)^2 / (8 s^3)``.
    """
    plain, variance = response.weights, response.energy_variance
    n, unit, mean = len(variance), response.unit, response.mean
    centred = plain - plain.mean(0)
    pull, own = mean @ centred / n, (plain * centred).sum(0) / n
    covariance = response.covariance
    covariance = covariance - covariance.mean(1, keepdim=True)
    square = (covariance - covariance.mean(0)).square().sum() / n**2
    wander = 4 * pull.square() @ variance + 2 * square
    wander += 4 * (pull * own) @ energy_third  # in all the variance of S

    slope = pull / unit
    seen = centred @ (slope * variance)
    of_unit = slope.square() @ variance
    share = threshold / (2 * unit)
    weights = plain - threshold * slope
    with_response = covariance - threshold * seen
    with_unit = weights @ (slope * variance)
    skewed = -share * weights @ ((own - slope.square()) * energy_third)
    jitter = square - 2 * seen.square().mean() + of_unit.square()
    jitter *= 2 * share.square()
    bent = with_response.square().mean(1) - with_unit.square()
    return Margin(
        mean - threshold * (unit - wander / (8 * unit.pow(3))),
        weights.square() @ variance + 2 * skewed + jitter,
        weights.pow(3) @ energy_third - 6 * share * bent,
        weights,
        with_response,
        with_unit,
        skewed,
        jitter,
        share,
        variance,
        energy_third,
    )


def normal_score(mean: Tensor, variance: Tensor, third: Tensor) -> Tensor:
    r"""Score u such that a skew variable is positive with probability Phi(u).

    Cornish and Fisher's expansion: ``d + skewness (d^2 - 1) / 6``, d = mean / spread.
    """
    d = mean / variance.sqrt()
    return d + third / variance.pow(1.5) * (d.square() - 1) / 6


def both_positive(
    score: Tensor, covariance: Tensor, third: Tensor, steps: int = 32
) -> Tensor:
    """Probability that two variables are positive, for all pairs of different ones.

    By Plackett's identity the covariance of two bits is the normal density at their
    thresholds, integrated over the correlation from zero; its sine substitution makes
    it smooth.  To it comes the bivariate Edgeworth term of the joint third cumulants,
    of which the scores have those of either variable alone.

    Parameters
    ----------
    score : Tensor
        Of shape (n, n): normal score of x where x is paired with y.
    covariance, third : Tensor
        Of shape (n, n): the covariance, and the third cumulants of x, x, y.

    Returns
    -------
    Tensor
        Of shape (n, n); the diagonal means nothing.
    """
    spread = covariance.diagonal().sqrt()
    correlation = (covariance / (spread[:, None] * spread)).clamp(-1, 1)
    correlation = correlation.fill_diagonal_(0)
    angle = correlation.asin()
    product, squares = 2 * score * score.T, score.square() + score.T.square()
    density = torch.zeros_like(angle)
    for i in range(steps):
        x = angle * (i + 0.5) / steps
        density += torch.exp((product * x.sin() - squares) / (2 * x.cos().square()))
    together = density * angle / (2 * math.pi * steps)

    skewness = third.diagonal() / spread.pow(3)
    joint = third / (spread.square()[:, None] * spread)
    joint -= (2 * correlation * skewness[:, None] + correlation.square() * skewness) / 3
    free = 1 - correlation.square()
    tilt = joint * (correlation * score.T - score)
    peak = torch.exp((product * correlation - squares) / (2 * free)) / free.pow(1.5)
    skew = peak * (tilt + tilt.T) / (4 * math.pi)
    below = distribution(score)
    return below * below.T + together + skew
