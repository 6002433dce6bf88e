"""What records say of the gain of single layers."""

import math

import numpy as np
import pytest

from gradmask.lab.measures.layers.prediction import (
    explained,
    jackknife,
    measurable,
    over_seeds,
    pooled,
)
from gradmask.lab.reports.stats import mean_interval


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


def test_the_jackknife_of_a_mean_is_the_usual_interval():
    rows = [{"seed": seed, "x": x} for seed, x in enumerate((1.0, 2.0, 4.0))]

    def mean(own):
        return math.exp(np.mean([math.log(row["x"]) for row in own]))

    usual = over_seeds(rows, lambda own: own[0]["x"], geometric=True)
    assert jackknife(rows, mean) == pytest.approx(usual)


def test_over_seeds_looks_at_one_seed_at_a_time():
    rows = [{"seed": seed, "x": seed + i} for seed in (0, 2, 4) for i in (0, 1, 2)]
    interval = over_seeds(rows, lambda own: max(row["x"] for row in own))
    assert interval == pytest.approx(mean_interval([2, 4, 6]))
    ratios = [{"seed": seed, "x": 10.0**seed} for seed in (0, 1, 2)]
    interval = over_seeds(ratios, lambda own: own[0]["x"], geometric=True)
    assert interval == pytest.approx([10**x for x in mean_interval([0, 1, 2])])
