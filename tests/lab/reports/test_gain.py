"""Gains of many layers together, against their definitions."""

import math

import numpy as np
import pytest

from gradmask.lab.reports.gain import (
    explained,
    measurable,
    object_noise,
    pairs,
    pooled,
)


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


def test_length_is_that_of_a_batchs_mean_gradient():
    rng = np.random.default_rng(1)
    batch, truth, kept = 8, np.array([0.4, 0.2, 0.0]), np.array([3.0, 0.5, 2.0])
    g = truth + rng.standard_normal((100_000, 3)) / math.sqrt(batch)
    row = {
        "q": truth @ truth / (truth @ truth + 3),
        "signal": np.square(kept * truth).sum() / (truth @ truth),
        "noise": np.square(kept).sum() / 3,
        "along": 1.0,
    }
    measured = math.sqrt(np.square(kept * g).sum() / np.square(g).sum())
    assert pooled([row]).length(batch) == pytest.approx(measured, rel=0.01)


def test_a_mean_that_points_uphill_does_not_agree():
    row = {"q": 0.1, "signal": 0.9, "noise": 0.5, "along": 0.8}
    ahead, back = (pooled([row | {"along": x}]) for x in (0.8, -0.8))
    assert back.agreement_gain(64) == -ahead.agreement_gain(64) < 0


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


def contributions(common, samples=200_000):
    """Gradients of 10 positions of unequal noise, a signal on the first three.

    The two halves are one sample's contributions in its only two parameters.
    """
    rng = np.random.default_rng(0)
    loudness = np.linspace(1, 2, 10)[:, None]
    noise = rng.standard_normal((samples, 10, 2)) * loudness
    mean = np.zeros((10, 2))
    mean[:3] = [[1, 0], [0, 1], [1, 1]]
    power = common / (1 - common) * 2 * np.square(loudness).sum()
    return noise + mean * math.sqrt(power / np.square(mean).sum())


def snr(contributions):
    g = contributions.sum(1)
    return np.square(g.mean(0)).sum() / g.var(0).sum()


@pytest.mark.parametrize("common", [0.01, 0.3, 0.6])
def test_the_object_as_a_mask_gains_one_over_its_share_of_the_noise(common):
    parts = contributions(common)
    energy = np.square(parts).mean(0).sum(1)
    share = energy[:3].sum() / energy.sum()
    w = object_noise(share, common)
    assert w == pytest.approx(parts[:, :3].var(0).sum() / parts.var(0).sum(), rel=0.02)
    gain = snr(parts[:, :3]) / snr(parts)
    assert gain == pytest.approx(1 / w, rel=0.02)
    if common > 0.1:
        assert gain > 1.3 / share


@pytest.mark.parametrize("common", [0.01, 0.3])
def test_no_mask_of_the_object_gains_more_than_the_shares_it_keeps_allow(common):
    parts = contributions(common)
    rng = np.random.default_rng(1)
    rates = np.where(np.arange(10) < 3, 0.8, 0.3)
    kept = parts * (rng.random((len(parts), 10, 1)) < rates[:, None])
    noise = [x.var(0).sum(1) for x in (parts, kept)]
    p, q = (noise[1][on].sum() / noise[0][on].sum() for on in (slice(3), slice(3, 10)))
    w = noise[0][:3].sum() / noise[0].sum()
    assert p > 0.8  # blind bits add noise of their own
    gain = snr(kept) / snr(parts)
    assert gain == pytest.approx(0.64 / (w * p + (1 - w) * q), rel=0.02)
    assert gain <= p**2 / (w * p + (1 - w) * q) * 1.01 <= 1.01 / w


@pytest.mark.parametrize(
    ("share", "common"), [(0.2, 0.3), (0.5, -0.1), (1.2, 0.1), (1, 1)]
)
def test_shares_that_cannot_be_are_refused(share, common):
    with pytest.raises(ValueError, match="0 <= common <= share <= 1"):
        object_noise(share, common)
