"""k-means++: the exact distribution, with blocks skipped or not, and a potential no worse than scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.cluster import kmeans_plusplus

import zador
from references import protocol_a
from references.seeding import next_probabilities
from zador.codebooks import KMeansPlusPlus
from zador.codebooks.initialise import seeding as module
from zador.codebooks.initialise.seeding import Seeding


def gaussian(seed, count, dim):
    return np.random.default_rng(seed).standard_normal((count, dim))


def distances(state):
    """Return D² of every row, in row order."""
    found = np.empty(len(state._x))
    place = state._order >= 0
    found[state._order[place]] = state._closest.ravel()[place]
    return found


def potential(x, codewords):
    return zador.nearest(x, codewords).squared_distances.sum()


@pytest.fixture(params=["in row order", "in tree order"])
def order(request, monkeypatch):
    """Run with the rows as they are, and as a k-d tree puts them, where blocks are compact and get skipped."""
    monkeypatch.setattr(module, "_NO_TREE", 1 << 15 if request.param == "in row order" else 0)
    return request.param


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize("kind", ["plain", "modes", "offset", "clusters", "duplicates"])
def test_distances_to_the_chosen_are_exact(kind):
    """After 20 rounds D² of every vector equals brute force, also for far modes, offsets and duplicates."""
    x = gaussian(0, 1_500, 3)
    if kind == "modes":
        x += np.random.default_rng(1).choice([-1000.0, 1000.0], (1_500, 1))
    elif kind == "offset":
        x += 1e4
    elif kind == "clusters":
        x = 100 * x[np.arange(1_500) % 40] + 0.01 * x
    elif kind == "duplicates":
        x = x[np.arange(1_500) % 300]
    state, rng = Seeding(x, None), np.random.default_rng(2)
    chosen = [state.first(rng)] + [state.next(rng, 3) for _ in range(20)]
    expected = zador.nearest(x, x[chosen]).squared_distances
    np.testing.assert_allclose(distances(state), expected, rtol=2e-3, atol=1e-12)
    assert (distances(state)[chosen] == 0).all()


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize("weighted", [False, True])
def test_draws_follow_the_distribution(weighted):
    """20,000 draws of the next codeword fit w D² / Σ w D² in a chi-squared test at the 1e-4 level."""
    x = gaussian(0, 100, 2)
    weights = np.random.default_rng(1).integers(0, 3, 100).astype(float) if weighted else None
    state, rng = Seeding(x, weights), np.random.default_rng(2)
    chosen = [state.first(rng) for _ in range(1)] + [state.next(rng, 1) for _ in range(3)]
    expected = next_probabilities(x, chosen, weights)
    total = np.cumsum(state._potential)
    counts = np.bincount([state._draw(u, total) for u in rng.random(20_000)], minlength=100)
    likely = expected * 20_000 >= 5
    assert (counts[expected == 0] == 0).all()
    observed, wanted = counts[likely], 20_000 * expected[likely]
    assert stats.chisquare(observed, wanted * observed.sum() / wanted.sum()).pvalue > 1e-4


def test_the_original_algorithm_draws_as_the_protocol_does():
    """With one candidate a round, generator 42 picks the rows that protocol A's `rng.choice(N, p)` picks."""
    x = gaussian(0, 5_000, 4)
    ours = KMeansPlusPlus(candidates=1)(x, 32, np.random.default_rng(42))
    np.testing.assert_array_equal(ours, protocol_a.kmeans_plus_plus(x, 32, seed=42))


@pytest.mark.usefixtures("order")
def test_the_potential_is_no_worse_than_scikit_learns():
    """Over 20 seeds the mean potential is at most scikit-learn's plus two standard errors of the difference."""
    x = gaussian(0, 2_000, 8)
    ours = [potential(x, KMeansPlusPlus()(x, 64, np.random.default_rng(seed))) for seed in range(20)]
    theirs = [potential(x, kmeans_plusplus(x, 64, random_state=seed)[0]) for seed in range(20)]
    error = np.sqrt(np.var(ours, ddof=1) / 20 + np.var(theirs, ddof=1) / 20)
    assert np.mean(ours) <= np.mean(theirs) + 2 * error


def test_skipping_changes_nothing(monkeypatch):
    """The same draws in tree order, where most blocks are skipped, lead to the same D² as with no block skipped."""
    monkeypatch.setattr(module, "_NO_TREE", 0)
    x = gaussian(0, 3_000, 2)
    state = Seeding(x, None)
    rows = np.random.default_rng(1).choice(3_000, 40, replace=False)
    for row in rows:
        state._add([int(row)])
    np.testing.assert_allclose(distances(state), zador.nearest(x, x[rows]).squared_distances, rtol=1e-4, atol=1e-12)


def test_fewer_distinct_vectors_than_codewords():
    """Asked for more codewords than there are distinct vectors, it takes every distinct one, then copies."""
    x = gaussian(0, 10, 2)[np.arange(200) % 10]
    found = KMeansPlusPlus()(x, 15, np.random.default_rng(0))
    assert len(np.unique(found, axis=0)) == 10
    assert found.shape == (15, 2)
