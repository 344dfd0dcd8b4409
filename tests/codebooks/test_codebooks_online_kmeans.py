"""Online k-means: the mean of all members so far, in one batch or many."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from references import learners as reference
from references.learning import gaussian_batches, seen_by, trained
from zador.codebooks import Frozen, OnlineKMeans, fit_codebook
from zador.search import nearest_of_clean


@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(0, 8))
@settings(max_examples=40, deadline=None)
def test_codewords_are_means_of_all_members(seed, steps):
    """Given the indices, each codeword is the mean of every vector that had its index, in however many batches."""
    rng = np.random.default_rng(seed)
    start = rng.standard_normal((6, 3))
    batches = [(rng.standard_normal((n, 3)), rng.integers(-1, 5, n)) for n in rng.integers(0, 20, steps)]
    state = OnlineKMeans().init(torch.from_numpy(start))
    for x, indices in batches:
        state = OnlineKMeans().step(state, seen_by(x, state.codewords, indices=indices))
    expected = reference.mean_of_members(start, batches) if batches else start
    # Eight steps of a few roundings of numbers below 10.
    np.testing.assert_allclose(state.codewords, expected, rtol=0, atol=1e-12)
    assert state.counts.tolist() == [sum((indices == k).sum() for _, indices in batches) for k in range(6)]


def test_on_a_resting_source_it_comes_near_k_means():
    """After 60 batches of 2000 of N(0, I_8), 64 codewords started on vectors are within 3 % of Lloyd's algorithm."""
    start = next(gaussian_batches(0, 0, 1, count=64))
    state, _ = trained(OnlineKMeans(), start, gaussian_batches(1, 0, 60, count=2000))
    x, fresh = (next(gaussian_batches(seed, 0, 1, count=20_000)) for seed in (2, 3))
    ours, theirs = (
        nearest_of_clean(fresh, table).squared_distances.mean(dtype=np.float64)
        for table in (state.codewords.numpy(), fit_codebook(x, 64).codewords)
    )
    # On the same vectors; 3 % is what the first, stale members are allowed to cost.
    assert ours < 1.03 * theirs


def test_a_compiled_step_is_the_plain_one():
    """Traced whole, the step gives the plain call's state."""
    x = next(gaussian_batches(0, 0, 1, count=100))
    learner = OnlineKMeans()
    state = learner.init(torch.from_numpy(x[:10]))
    seen = seen_by(x, state.codewords)
    compiled = torch.compile(learner.step, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(learner.step(state, seen), compiled(state, seen), rtol=1e-6, atol=1e-6)


def test_a_frozen_codebook_rests():
    """Whatever is seen, and it is never revived."""
    start = next(gaussian_batches(0, 9, 1, count=5))
    state, _ = trained(Frozen(start=start), start, gaussian_batches(1, 0, 3, count=50))
    np.testing.assert_array_equal(state.codewords, start)
    assert Frozen().revive is None
