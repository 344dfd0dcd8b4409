"""Entropy from nearest neighbours: its bias table, a slow reference, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import digamma

from zador.errors import DataError, NonFiniteError, UsageError
from zador.theory.entropy import kozachenko_leonenko

LN2 = math.log(2)


def truth_bits(dim):
    """Entropy of N(0, I)."""
    return 0.5 * dim * math.log2(2 * math.pi * math.e)


@pytest.mark.parametrize(
    ("dim", "count", "bias"),
    [(1, 1000, -0.01), (1, 10_000, 0.0), (2, 1000, -0.01), (2, 10_000, 0.0), (4, 1000, -0.03), (4, 10_000, -0.04),
     (8, 1000, -0.01), (8, 10_000, -0.06)],
)  # fmt: skip
def test_bias_table(dim, count, bias):
    """Over N(0, I_d) the error is the tabulated bias, in nats, within 4 standard errors of both and its rounding."""
    estimate = kozachenko_leonenko(np.random.default_rng(dim).standard_normal((count, dim)))
    error = (estimate.bits - truth_bits(dim)) * LN2
    assert abs(error - bias) < 4 * math.sqrt(2) * estimate.standard_error_bits * LN2 + 0.005


def test_standard_error_is_the_spread():
    """Over 40 samples the estimates spread like their standard errors: χ² of 39 degrees, within its 1e-4 quantiles."""
    rng = np.random.default_rng(5)
    found = [kozachenko_leonenko(rng.standard_normal((500, 2))) for _ in range(40)]
    spread = np.std([one.bits for one in found], ddof=1)
    claimed = np.mean([one.standard_error_bits for one in found])
    assert 0.55 < spread / claimed < 1.5  # sqrt(chi2.ppf([1e-4, 1 - 1e-4], 39) / 39) = 0.60, 1.44; dependence adds a little


def test_agrees_with_all_pairs():
    """The same number from a sorted matrix of distances."""
    x = np.random.default_rng(0).standard_normal((150, 3))
    distances = np.sort(np.sqrt(((x[:, None] - x[None]) ** 2).sum(axis=2)), axis=1)[:, 2]  # the first is the point itself
    nats = digamma(150) - digamma(2) + math.log(4 / 3 * math.pi) + 3 * np.log(distances).mean()
    estimate = kozachenko_leonenko(x, neighbours=2)
    assert estimate.bits == pytest.approx(nats / LN2, rel=1e-12)
    assert (estimate.count, estimate.dim, estimate.neighbours) == (150, 3, 2)


def test_scale_adds_its_logarithm():
    """h(s x) = h(x) + d log2 s, and a shift changes nothing, to rounding of the shift."""
    x = np.random.default_rng(0).standard_normal((400, 3))
    shifted = kozachenko_leonenko(8 * x + 100).bits
    assert shifted == pytest.approx(kozachenko_leonenko(x).bits + 9, abs=1e-9)


def test_few_repeats_are_no_obstacle_many_are():
    """A pair of equal samples has other neighbours; with k or more equals there is no distance."""
    x = np.random.default_rng(0).standard_normal((100, 2))
    x[1] = x[0]
    assert math.isfinite(kozachenko_leonenko(x).bits)
    with pytest.raises(DataError, match="100 of 100 samples"):
        kozachenko_leonenko(np.repeat(x[2:27], 4, axis=0))


def rank_two():
    """Five columns, two dimensions."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((500, 2)) @ rng.standard_normal((2, 5))


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (np.zeros((50, 11)), DataError, "11 dimensions, at most 10"),
        (rank_two(), DataError, "subspace of 2 of 5"),
        (rank_two().astype(np.float32) + 100, DataError, "subspace of 2 of 5"),
        (np.eye(3)[[0, 1, 2] * 20] * [1, 1, 0], DataError, "1 of 3 columns are constant"),
        (np.zeros((3, 1)), DataError, "more than 3 samples"),
        (np.full((9, 1), np.nan), NonFiniteError, "9 of 9"),
    ],
)
def test_refused(x, error, words):
    """More than ten dimensions, subspaces (also in float32 beside a large mean), constants, too few samples, NaN."""
    with pytest.raises(error, match=words):
        kozachenko_leonenko(x)


def test_neighbours_are_counted():
    """Their number k is a whole number of at least 1."""
    with pytest.raises(UsageError, match="neighbours"):
        kozachenko_leonenko(np.zeros((9, 1)), neighbours=0)
