"""The reservoir is a uniform sample, and Lloyd's algorithm runs on it when it is due."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from references.learning import gaussian_batches, seen_by, trained
from zador.codebooks import Lloyd, ReservoirLloyd, empty_reservoir, fit_codebook, with_batch
from zador.errors import UsageError
from zador.noise import new_key
from zador.search import nearest_of_clean


def offered(counts, size, seed, *, invalid=()):
    """Return the reservoir after batches of the numbers 0, 1, 2, ...; those listed do not count and are NaN."""
    reservoir, key, first = empty_reservoir(torch.zeros(1, 1), size), new_key(seed), 0
    for count in counts:
        x = torch.arange(first, first + count, dtype=torch.float32)[:, None]
        valid = ~torch.isin(x[:, 0], torch.tensor(invalid, dtype=torch.float32))
        reservoir = with_batch(reservoir, torch.where(valid[:, None], x, torch.nan), valid, key)
        key, first = key + torch.tensor([0, 1]), first + count
    return reservoir


@given(seed=st.integers(0, 2**31), size=st.integers(1, 12), counts=st.lists(st.integers(0, 9), max_size=6))
@settings(max_examples=40, deadline=None)
def test_it_holds_distinct_vectors_that_were_offered(seed, size, counts):
    """As many as fit, none twice, the first ones in order until it is full, and never one that does not count."""
    invalid = [1, 5, 6]
    reservoir = offered(counts, size, seed, invalid=invalid)
    good = [number for number in range(sum(counts)) if number not in invalid]
    assert reservoir.offered.item() == len(good)
    held = reservoir.vectors[: min(size, len(good)), 0].tolist()
    assert len(set(held)) == len(held)
    assert set(held) <= set(good)
    if len(good) <= size:
        assert held == good


@pytest.mark.parametrize("counts", [[30], [3] * 10, [7, 0, 20, 3]], ids=str)
def test_every_vector_is_kept_with_the_same_probability(counts):
    """Thirty vectors for six places, 300 times: a chi-square test of who is kept does not reject uniformity, at 1e-4."""
    kept = np.zeros(30)
    for seed in range(300):
        np.add.at(kept, offered(counts, 6, seed).vectors[:, 0].int().numpy(), 1)
    # Drawing 6 of 30 without replacement: the variance is (1 - 6/30) / (1 - 1/30) of that of independent draws.
    statistic = ((kept - 60) ** 2 / 60).sum() * (1 - 1 / 30) / (1 - 6 / 30)
    assert stats.chi2(29).sf(statistic) > 1e-4


def test_runs_are_lloyds_on_the_reservoir_when_due():
    """With every=3 the codewords move at batches 0 and 3 alone, to where `Lloyd` takes them from the vectors kept."""
    learner = ReservoirLloyd(size=200, every=3, iterations=2)
    start = next(gaussian_batches(0, 0, 1, count=10, dim=2))
    state = learner.init(torch.from_numpy(start))
    for number, x in enumerate(gaussian_batches(1, 0, 5, count=60, dim=2)):
        before = state.codewords
        state = learner.step(state, seen_by(x, before, new_key(number)))
        kept = state.vectors[: min(200, int(state.offered))].numpy()
        expected = Lloyd(iterations=2).fit(kept, before.numpy()).codewords if number in {0, 3} else before
        np.testing.assert_array_equal(state.codewords, expected)
    assert int(state.steps) == 5


def test_on_a_resting_source_it_is_k_means():
    """After 40 batches of 1000 of N(0, I_8), 32 codewords are within 2 % of `fit_codebook` on as many vectors."""
    start = next(gaussian_batches(0, 0, 1, count=32))
    state, _ = trained(ReservoirLloyd(), start, gaussian_batches(1, 0, 40, count=1000))
    sample, fresh = (next(gaussian_batches(seed, 0, 1, count=n)) for seed, n in ((2, 2048), (3, 20_000)))
    ours, theirs = (
        nearest_of_clean(fresh, table).squared_distances.mean(dtype=np.float64)
        for table in (state.codewords.numpy(), fit_codebook(sample, 32).codewords)
    )
    # Two local optima from 64 vectors a codeword: each is about 1 / 64 above the best, give or take as much.
    assert ours < 1.02 * theirs


def test_masked_and_infinite_vectors_never_enter():
    """A batch of which nothing counts, or is finite, leaves codewords and reservoir as they are."""
    learner = ReservoirLloyd(size=20)
    state = learner.init(torch.ones(3, 2))
    x = np.full((10, 2), np.nan, np.float32)
    x[5:] = np.inf
    later = learner.step(state, seen_by(x, state.codewords, indices=np.repeat([-1, 1], 5)))
    assert torch.equal(later.codewords, state.codewords)
    assert torch.equal(later.vectors, state.vectors)
    assert int(later.offered) == 0


def test_the_operation_keeps_the_promises_of_torch():
    """`opcheck` passes, due or not, and a compiled step is the plain one."""
    x = torch.from_numpy(next(gaussian_batches(0, 0, 1, count=50, dim=2)))
    for due in (True, False):
        arguments = (x[:5].clone(), x, torch.tensor(50), torch.tensor(due), 2, 0)
        torch.library.opcheck(torch.ops.zador.lloyd.default, arguments)
    learner = ReservoirLloyd(size=30)
    state = learner.init(x[:5])
    seen = seen_by(x, state.codewords)
    compiled = torch.compile(learner.step, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(learner.step(state, seen), compiled(state, seen), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"size": 0}, {"every": 0}, {"iterations": 0}])
def test_what_is_no_count_is_refused(wrong):
    """Each is named."""
    with pytest.raises(UsageError, match=next(iter(wrong))):
        ReservoirLloyd(**wrong)
