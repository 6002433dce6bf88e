"""Gains of many layers together, against their definitions."""

import math

import numpy as np
import pytest

from gradmask.lab.reports.gain import explained, measurable, pairs, pooled


def test_explained_is_one_for_perfect_predictions_and_negative_for_bad_ones():
    gains = [0.5, 1.0, 2.0, 4.0]
    rows = [
        {"gain": g, "right": g, "wrong": 1 / g, "q": 0.1, "q_stderr": 0.01}
        for g in gains
    ]
    assert explained(rows, "right") == pytest.approx({"r2": 1, "rank": 1, "ratio": 1})
    wrong = explained(rows, "wrong")
    assert wrong["r2"] < 0
    assert wrong["rank"] == pytest.approx(-1)
    noisy = [*rows, {"gain": 9.0, "right": 0.1, "q": 0.1, "q_stderr": 0.09}]
    noisy += [{"gain": None, "right": 0.1, "q": 0.1, "q_stderr": 0.01}]
    assert [measurable(row) for row in noisy] == [True] * 4 + [False] * 2
    assert explained(noisy, "right")["r2"] == pytest.approx(1)


def test_agreement_is_the_mean_gradients_squared_cosine():
    rng = np.random.default_rng(0)
    batch, trials = 8, 100_000
    truth, kept = np.array([0.4, 0.2, 0.0]), np.array([0.9, 0.3, 0.5])

    def squared_cosine(scale):
        g = scale * (truth + rng.standard_normal((trials, 3)) / math.sqrt(batch))
        along = (g @ truth).mean() ** 2 / (truth @ truth)
        return along / np.square(g).sum(1).mean()

    signal, masked = truth @ truth, kept * truth
    row = {
        "q": signal / (signal + 3),
        "signal": masked @ masked / signal,
        "noise": np.square(kept).sum() / 3,
        "along": masked @ truth / signal,
    }
    measured = squared_cosine(kept) / squared_cosine(np.ones(3))
    # Each mean is known to 0.5 %: the deviation over the root of 100,000, squared.
    predicted = pooled([row]).agreement_gain(batch)
    assert predicted == pytest.approx(measured, rel=0.02)
    nothing = {"q": 0.1, "signal": 1.0, "noise": 1.0, "along": 1.0}
    assert pooled([nothing] * 2).agreement_gain(64) == pytest.approx(1)


def test_pooling_adds_signals_and_noises_not_gains():
    strong = {"q": 0.2, "signal": 0.9, "noise": 0.5, "along": 0.8}
    lost = {"q": -0.01, "signal": -3.0, "noise": 0.4, "along": 2.0}
    both = pooled([strong, lost])
    signal = (0.2 * 0.9 + 0.01 * 3.0) / 0.19
    noise = (0.8 * 0.5 + 1.01 * 0.4) / 1.81
    assert both.gain == pytest.approx(signal / noise)
    assert both.along == pytest.approx((0.2 * 0.8 - 0.01 * 2) / 0.19)
    assert math.isnan(pooled([lost]).gain)


def test_pairs_are_those_of_measurable_rows():
    row = {"q": 0.1, "q_stderr": 0.01, "gain": 2.0, "area": 1.5}
    rows = [row, row | {"gain": None}, row | {"q_stderr": 0.09}, row | {"gain": 3.0}]
    assert pairs(rows, "area").tolist() == [[1.5, 2.0], [1.5, 3.0]]
