"""The plane of rates, and the window in which a mask can pay."""

import numpy as np
import pytest

from gradmask.lab.simulation.planes import gain_plane, window_curves


@pytest.mark.parametrize("occupancy", [0.0, 1.0, -1.0, 2.0])
def test_the_plane_needs_an_object_and_a_background(occupancy):
    with pytest.raises(ValueError, match="occupancy"):
        gain_plane(occupancy)


def test_the_plane_holds_the_gain_of_every_pair_of_rates():
    plane = gain_plane(0.2, (1.5,))
    p, q = plane.p[200], plane.q[70]
    assert plane.gain[200, 70] == pytest.approx(p**2 / (0.2 * p + 0.8 * q))
    (detector,) = plane.detectors
    q, p = detector.label
    near = np.hypot(detector.q - q, detector.p - p).min()
    assert near < 0.02  # A detector's name lies on its curve.


def test_the_window_is_bounded_by_the_object_itself():
    curves = window_curves()
    assert (curves["gain"] <= curves["bound"]).all()
    assert curves["bound"][0] == pytest.approx(1 / 0.17, rel=0.05)
    assert (np.diff(curves["bound"]) < 0).all()
