"""Kernel-propagated drift: its formula, what it does when an encoder moves on, and whose state it keeps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from references import learners as reference
from references.learning import seen_by, trained
from zador.codebooks import Ema, FromBatch, Frozen, Gradient, KernelDrift, OnlineKMeans
from zador.codebooks.learn import kernel_drift
from zador.errors import UsageError
from zador.search import nearest_of_clean


def drawn(seed, size=12, dim=3, count=20):
    """Codewords, and a batch of which the first third of them is chosen."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((size, dim)), rng.standard_normal((count, dim)), rng.integers(-1, size // 3, count)


@given(seed=st.integers(0, 2**32 - 1), bandwidth=st.none() | st.floats(0.3, 5))
@settings(max_examples=40, deadline=None)
def test_who_was_not_chosen_moves_by_the_weighted_mean_of_the_moves(seed, bandwidth):
    """As a double loop over codewords has it; who was chosen moves as the learner inside says."""
    codewords, x, indices = drawn(seed)
    inner = Ema(decay=0.5, warmup=1)
    learner = KernelDrift(inner, bandwidth)
    state = learner.init(torch.from_numpy(codewords))
    seen = seen_by(x, state.codewords, indices=indices)
    moved = inner.step(inner.init(torch.from_numpy(codewords)), seen).codewords.numpy()
    expected = reference.drifted(codewords, moved, np.bincount(indices[indices >= 0], minlength=12) > 0, bandwidth)
    # Distances are differences of products of numbers near 1: some roundings, times the slope of the kernel.
    np.testing.assert_allclose(learner.step(state, seen).codewords, expected, rtol=0, atol=1e-11)


def test_blocks_of_the_kernel_change_nothing(monkeypatch):
    """Rows a few at a time give what all of them at once do."""
    codewords, x, indices = drawn(3)
    learner = KernelDrift(Ema(decay=0.5))
    state = learner.init(torch.from_numpy(codewords))
    seen = seen_by(x, state.codewords, indices=indices)
    whole = learner.step(state, seen).codewords
    monkeypatch.setattr(kernel_drift, "_BLOCK_ELEMENTS", 5 * 12)
    # A product of fewer rows may add up in another order.
    torch.testing.assert_close(learner.step(state, seen).codewords, whole, rtol=0, atol=1e-14)


def moving_on(learner, seed, *, size=64, batches=200, speed=0.02):
    """Return the error on fresh vectors, and how many codewords they leave out, after vectors have drifted by 4 σ."""
    rng = np.random.default_rng(seed)
    start = rng.standard_normal((size, 2)).astype(np.float32)
    stream = ((rng.standard_normal((64, 2)) + speed * t).astype(np.float32) for t in range(1, batches + 1))
    state, _ = trained(learner, start, stream)
    fresh = (rng.standard_normal((20_000, 2)) + speed * batches).astype(np.float32)
    found = nearest_of_clean(fresh, state.codewords.numpy())
    unused = int((np.bincount(found.indices, minlength=size) == 0).sum())
    return float(found.squared_distances.mean()), unused


def test_an_encoder_that_drifts_leaves_codewords_behind_without_it():
    """Batches of 64 vectors, a 50th of σ a batch: of 64 codewords EMA loses about 31, and 5 with drift; the error falls."""
    inner = Ema(decay=0.5, warmup=1, revive=None)
    alone = np.array([moving_on(inner, seed) for seed in range(5)])
    along = np.array([moving_on(KernelDrift(inner), seed) for seed in range(5)])
    assert alone[:, 1].min() > 20
    assert along[:, 1].max() < 12
    gained = alone[:, 0] - along[:, 0]
    assert gained.mean() > 3 * gained.std(ddof=1) / 5**0.5


def test_where_everything_is_chosen_or_nothing_it_is_the_learner_inside():
    """No codeword idles: the same bits; no vector at all: nothing moves, and nothing is NaN."""
    rng = np.random.default_rng(0)
    codewords = torch.from_numpy(rng.standard_normal((5, 2)))
    inner = OnlineKMeans()
    for indices in (np.arange(20) % 5, np.full(20, -1)):
        seen = seen_by(rng.standard_normal((20, 2)), codewords, indices=indices)
        expected, found = (each.step(each.init(codewords), seen) for each in (inner, KernelDrift(inner)))
        assert found.codewords.equal(expected.codewords)
        assert found.counts.equal(expected.counts)


@pytest.mark.parametrize("far", [1e3, 1e6])
def test_a_codeword_far_from_all_goes_with_the_nearest(far):
    """No weight underflows: it moves as its nearest chosen neighbour does; equal codewords, with median distance 0, too."""
    codewords = torch.tensor([[0.0, 0.0], [0.0, 0.0], [10.0, 0.0], [0.0, far]]).double()
    x = torch.tensor([[1.0, 0.0], [10.0, 1.0]]).double()
    learner = KernelDrift(Ema(decay=0.0))
    moved = learner.step(learner.init(codewords), seen_by(x, codewords, indices=np.array([0, 2]))).codewords
    moves = moved - codewords
    assert moves[1].tolist() == [1.0, 0.0]
    assert moves[3].tolist() == [1.0, 0.0]


def test_settings_and_state_are_those_of_the_learner_inside():
    """`start`, `revive`, `seed` and the fields of the state are handed through: counts are there for a revival."""
    inner = Ema(start="given", revive=FromBatch(), seed=7)
    learner = KernelDrift(inner)
    assert (learner.start, learner.revive, learner.seed) == ("given", inner.revive, 7)
    assert learner.init(torch.zeros(3, 2))._fields == inner.init(torch.zeros(3, 2))._fields


def test_learners_that_take_no_steps_are_refused():
    """There is nothing to propagate under `Gradient` and `Frozen`; a bandwidth of 0 is none."""
    for idle in (Gradient(), Frozen(), Ema):
        with pytest.raises(UsageError, match="KernelDrift: expected a learner that takes steps"):
            KernelDrift(idle)
    with pytest.raises(UsageError, match="bandwidth > 0"):
        KernelDrift(bandwidth=0.0)
