"""Gains of many layers together, and how well they were predicted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradmask.lab.records import Row
from gradmask.lab.reports.stats import spearman

__all__ = [
    "PREDICTORS",
    "Detector",
    "Plane",
    "Pooled",
    "explained",
    "measurable",
    "object_noise",
    "pairs",
    "pooled",
]

PREDICTORS = ("area", "activations", "selection", "regions")
"""Four predictions, of growing knowledge.

- ``"area"``: the formula for blind masks, the object's occupancy taken by area;
- ``"activations"``: the same, by the activations' energy;
- ``"selection"``: rates and occupancy by contribution energy, as for masks that look;
- ``"regions"``: these rates, and where signal and noise really lie, measured on other
  scenes: no assumption is left but that bits are independent.
"""


class Detector(NamedTuple):
    """Rates of a detector as its threshold rises.

    Attributes
    ----------
    d : float
        Its detectability.
    q, p : array, shape (M,)
        False-alarm and hit rates.
    label : (float, float)
        The point (q, p) of the curve at which it is named.
    """

    d: float
    q: NDArray[np.float64]
    p: NDArray[np.float64]
    label: tuple[float, float]


class Plane(NamedTuple):
    """The plane of rates on which every mask is a point.

    Attributes
    ----------
    occupancy : float
        omega, the object's share of the noise's energy.
    q, p : array, shape (N,)
        False-alarm and hit rates of the grid.
    gain : array, shape (N, N)
        Gain at hit rate p (lines) and false-alarm rate q (columns).
    detectors : list of Detector
        Curves on the plane.
    """

    occupancy: float
    q: NDArray[np.float64]
    p: NDArray[np.float64]
    gain: NDArray[np.float64]
    detectors: list[Detector]


def measurable(row: Row) -> bool:
    """Whether a layer has a signal to speak of: Q above two standard errors.

    They are the jackknife's, which is too wide where Q is small: a strict test.
    """
    return bool(row["q"] > 2 * row["q_stderr"] and (row["gain"] or 0) > 0)


class Pooled(NamedTuple):
    """Signal and noise of many layers, epochs or seeds together; see :func:`pooled`.

    Attributes
    ----------
    q : float
        Share of the plain gradients' energy that is signal.
    signal, noise, along : float
        What a mask leaves, as in
        :class:`gradmask.lab.measures.layers.gain.GainEstimate`.
    """

    q: float
    signal: float
    noise: float
    along: float

    @property
    def gain(self) -> float:
        """Gain of SNR; nan where no signal is left."""
        positive = self.q > 0 and self.signal > 0
        return self.signal / self.noise if positive else math.nan

    def agreement_gain(self, batch: int) -> float:
        r"""How much better the mean of a batch agrees with the true direction.

        The ratio, with the mask over without, of the mean gradient's agreement with
        :math:`G = \mathrm{E} g`, a squared cosine: the gain of SNR less the price of
        the mask's bias; below zero where the masked mean points away from G,

        .. math:: \frac{\langle \mathrm{E} g', G \rangle^2 / \lVert G \rVert^2}
                  {\lVert \mathrm{E} g' \rVert^2 + N' / B}
                  \Big/ \frac{\lVert G \rVert^2}{\lVert G \rVert^2 + N / B} .
        """
        noise = (1 - self.q) / self.q / batch
        forwards = self.along * abs(self.along)
        return forwards * (1 + noise) / (self.signal + self.noise * noise)

    def length(self, batch: int) -> float:
        r"""How many times as long a masked batch's mean gradient is, in mean square.

        .. math:: \sqrt{\frac{\lVert \mathrm{E} g' \rVert^2 + N' / B}
                             {\lVert \mathrm{E} g \rVert^2 + N / B}}
        """
        noise = (1 - self.q) / self.q / batch
        return math.sqrt((self.signal + self.noise * noise) / (1 + noise))


def pooled(rows: Sequence[Row]) -> Pooled:
    """Add up signals and noises of rows of one mask, each plain energy taken as one.

    A ratio of sums: unlike a mean of gains it can use every row, also one whose own
    estimate of the signal is lost in noise or negative, and so selects nothing.
    """
    q, signal, noise, along = (
        np.array([row[key] for row in rows])
        for key in ("q", "signal", "noise", "along")
    )
    return Pooled(
        float(q.mean()),
        float((q * signal).sum() / q.sum()),
        float(((1 - q) * noise).sum() / (1 - q).sum()),
        float((q * along).sum() / q.sum()),
    )


def object_noise(share: float, common: float) -> float:
    r"""Object's share of the noise, from its share of the energy.

    .. math:: w = \frac{w_e - Q_1}{1 - Q_1}

    where the contributions of different positions are uncorrelated and only those on
    the object have a mean: of the energy, the object holds all that is common and the
    share w of what is not.

    Parameters
    ----------
    share : float
        w_e, the object's share of the contributions' energy.
    common : float
        Q_1, the share of that energy that is squared means; at least 0, below 1, and
        at most `share`.

    Returns
    -------
    float
        w, whose inverse is the gain of the object as a mask.

    Raises
    ------
    ValueError
        If the shares are not in order.

    Examples
    --------
    >>> round(object_noise(0.6, 0.5), 3)
    0.2
    """
    if not 0 <= common <= share <= 1 or common == 1:
        raise ValueError(
            "the shares must obey 0 <= common <= share <= 1 and common < 1, "
            f"got {share} and {common}"
        )
    return (share - common) / (1 - common)


def explained(rows: Sequence[Row], predictor: str) -> dict[str, float]:
    """Compare logarithms of predicted and measured gains, where both are positive.

    Returns
    -------
    dict
        "r2": share of the variation explained by the prediction as it stands, with no
        line fitted (negative if the mean would have been the better guess); "rank":
        Spearman's correlation; "ratio": median of predicted over measured.
    """
    pairs = [
        (row[predictor], row["gain"])
        for row in rows
        if (row[predictor] or 0) > 0 and measurable(row)
    ]
    predicted, measured = np.log(np.array(pairs)).T
    unexplained = np.square(measured - predicted).sum()
    variation = np.square(measured - measured.mean()).sum()
    return {
        "r2": float(1 - unexplained / variation),
        "rank": spearman(predicted, measured),
        "ratio": float(np.exp(np.median(predicted - measured))),
    }


def pairs(rows: Sequence[Row], predictor: str) -> NDArray[np.float64]:
    """Predicted and measured gains of all measurable rows, of shape (N, 2)."""
    found = [(row[predictor], row["gain"]) for row in rows if measurable(row)]
    return np.array(found, dtype=float)
