"""The spread of estimates of Q: formulas against Monte-Carlo and slow averages."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradmask.quality import QualitySpread, gradient_quality, quality_spread

F64 = torch.float64


def gaussian(count, samples, directions, q, seed=0):
    """Batches of Gaussian gradients, the mean's share of energy being q."""
    generator = torch.Generator().manual_seed(seed)
    g = torch.randn(count, samples, directions, generator=generator, dtype=F64)
    g[..., 0] += math.sqrt(directions * q / (1 - q))
    return g


def estimates(g):
    gram = g @ g.mT
    own = gram.diagonal(dim1=1, dim2=2).sum(1)
    return (gram.sum((1, 2)) - own) / (g.shape[1] - 1) / own


def isotropic(q, directions):
    return QualitySpread.isotropic(q, directions / (1 - q) ** 2)


@pytest.mark.parametrize("q", [0.05, 0.1])
@pytest.mark.parametrize("directions", [5, 20, 200])
def test_so_many_samples_have_the_error_that_was_asked_for(q, directions):
    spread = isotropic(q, directions)
    samples = spread.samples(q / 3)
    assert spread.stderr(samples) <= q / 3 < spread.stderr(max(2, samples - 1))
    error = estimates(gaussian(2000, samples, directions, q)).std()
    assert error.item() == pytest.approx(spread.stderr(samples), rel=0.1)


def test_the_pairs_alone_would_ask_for_too_few_samples():
    few = math.ceil(3 * math.sqrt(2 / 5) / 0.1)
    error = estimates(gaussian(4000, few, 5, 0.1)).std()
    assert error > 0.06
    assert isotropic(0.1, 5).samples(0.1 / 3) > 3 * few


def test_the_parts_are_those_of_the_noise():
    q, directions = 0.2, 30
    expected = isotropic(q, directions)
    found = [quality_spread(g) for g in gaussian(300, 40, directions, q)]
    for part in ("value", "single", "paired"):
        values = [getattr(spread, part) for spread in found]
        error = 4 * np.std(values) / math.sqrt(300) + 0.03 * getattr(expected, part)
        assert np.mean(values) == pytest.approx(getattr(expected, part), abs=error)


def test_the_part_of_pairs_is_an_average_over_four_samples():
    g = gaussian(1, 6, 3, 0.4)[0].numpy()
    covariances = [
        np.dot(g[i] - g[j], g[k] - g[m]) * np.dot(g[i] - g[j], g[k] - g[m]) / 4
        for i, j, k, m in itertools.permutations(range(6), 4)
    ]
    energy = np.square(g).sum(1).mean()
    spread = quality_spread(torch.from_numpy(g))
    assert spread.paired == pytest.approx(np.mean(covariances) / energy**2)
    assert spread.value == pytest.approx(gradient_quality(torch.from_numpy(g)).value)


def test_a_mapping_is_one_long_vector_and_scale_does_not_matter():
    parts = {"a": torch.randn(7, 3, 2), "b": torch.randn(7), "c": torch.randn(7, 0)}
    long = torch.cat([parts["a"].flatten(1), parts["b"][:, None]], 1)
    one, other = quality_spread(parts), quality_spread(1e3 * long)
    assert one.single == pytest.approx(other.single, rel=1e-5)
    assert one.paired == pytest.approx(other.paired, rel=1e-5)
    assert one.directions == pytest.approx(1 / one.paired)


def test_the_same_gradient_everywhere_has_no_spread():
    spread = quality_spread(torch.ones(5, 3))
    assert (spread.value, spread.single, spread.paired) == (1, 0, 0)
    assert spread.directions == math.inf
    assert spread.stderr(2) == 0
    assert spread.samples(0.1) == 2


@given(
    single=st.floats(0, 1),
    paired=st.floats(0, 1),
    error=st.floats(1e-3, 10),
)
def test_the_number_of_samples_is_the_least(single, paired, error):
    spread = QualitySpread(0.1, single, paired)
    samples = spread.samples(error)
    assert spread.stderr(samples) <= error * (1 + 1e-9)
    assert samples == 2 or spread.stderr(samples - 1) > error * (1 - 1e-9)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="at least four samples are needed, got 3"):
        quality_spread(torch.ones(3, 2))
    with pytest.raises(ValueError, match="same B"):
        quality_spread({})
    with pytest.raises(ValueError, match="at least two samples are needed, got 1"):
        QualitySpread(0.1, 0.1, 0.1).stderr(1)
    with pytest.raises(ValueError, match="stderr must be positive, got 0"):
        QualitySpread(0.1, 0.1, 0.1).samples(0)
