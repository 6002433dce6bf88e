"""What theory says of the plane of rates, and of the window in which a mask can pay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from gradmask import laplacian_of_gaussian
from gradmask.lab.reports.gain import Detector, Plane
from gradmask.theory import false_alarm_rate, hit_rate, predict_gain, snr_gain

__all__ = ["gain_plane", "window_curves"]


def gain_plane(occupancy: float, detectors: Sequence[float] = (0.5, 1.0, 2.0)) -> Plane:
    r"""Gain at all rates, and curves of detectors.

    .. math:: \gamma = \frac{p^2}{\omega p + (1 - \omega) q}

    Parameters
    ----------
    occupancy : float
        omega, the object's share of the noise's energy, between 0 and 1.
    detectors : sequence of float, default (0.5, 1, 2)
        Detectabilities d whose curves are computed.

    Raises
    ------
    ValueError
        If the occupancy is not inside (0, 1).
    """
    if not 0 < occupancy < 1:
        raise ValueError(f"occupancy must lie inside (0, 1), got {occupancy}")
    p, q = np.linspace(1e-3, 1, 301), np.linspace(0, 1, 301)
    gain = snr_gain(torch.from_numpy(p)[:, None], torch.from_numpy(q), occupancy)
    return Plane(occupancy, q, p, gain.numpy(), [_detector(d) for d in detectors])


def _detector(d: float) -> Detector:
    threshold = torch.linspace(-4, 6, 300, dtype=torch.float64)
    return Detector(
        d,
        false_alarm_rate(threshold).numpy(),
        hit_rate(d, threshold).numpy(),
        (float(false_alarm_rate(0.7 * d)), float(hit_rate(0.3 * d, 0.0))),
    )


def window_curves(
    area: float = 0.17,
    side: int = 16,
    channels: int = 24,
    sigma: float = 0.25,
    points: int = 60,
) -> dict[str, NDArray[np.float64]]:
    """Contrast, the bound 1/w, and the gain of a lateral mask, on a disc.

    The signal does not lie under the noise but varies with it: what is stronger on the
    object is noise, too, so that the object's occupancy is its share of energy w.
    """
    axis = torch.arange(side) - (side - 1) / 2
    disc = axis[:, None] ** 2 + axis**2 <= area * side**2 / np.pi
    kernel = laplacian_of_gaussian(sigma * side, size=side - 1)
    contrasts = np.geomspace(1, 40, points)
    occupancy = disc.double().mean().item()
    shares = contrasts * occupancy / (contrasts * occupancy + 1 - occupancy)
    gains = []
    for contrast, share in zip(contrasts, shares, strict=True):
        p, q = predict_gain(kernel, disc, contrast - 1, channels)[:2]
        gains.append(snr_gain(p, q, share))
    return {"contrast": contrasts, "bound": 1 / shares, "gain": np.array(gains)}
