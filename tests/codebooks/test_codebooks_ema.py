"""The moving average: equal to the usual ratio, in the hull, warm, smoothed around its total, and as good as k-means."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from references import learners as reference
from references.learning import gaussian_batches, seen_by, trained
from zador.codebooks import Cells, Ema, KMeansPlusPlus, Seen, fit_codebook
from zador.errors import UsageError
from zador.noise import new_key
from zador.search import nearest_of_clean


def drawn(seed, steps, *, size=6, dim=3, dtype=np.float64):
    """Codewords, and batches of vectors with indices that leave some codewords out and mask some vectors."""
    rng = np.random.default_rng(seed)
    batches = [(rng.standard_normal((20, dim)).astype(dtype), rng.integers(-1, size - 1, 20)) for _ in range(steps)]
    return rng.standard_normal((size, dim)).astype(dtype), batches


def after(learner, codewords, batches):
    state = learner.init(torch.from_numpy(codewords))
    for x, indices in batches:
        state = learner.step(state, seen_by(x, state.codewords, indices=indices))
    return state


@given(seed=st.integers(0, 2**32 - 1), decay=st.floats(0, 0.999), warmup=st.floats(1, 30), steps=st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_without_smoothing_it_is_the_ratio_of_averages(seed, decay, warmup, steps):
    """Codewords equal averaged sums over averaged counts, which the reference keeps, to the rounding of float64."""
    codewords, batches = drawn(seed, steps)
    found = after(Ema(decay, 0.0, warmup), codewords, batches).codewords
    # A dozen steps, each of a few roundings of numbers below 10.
    np.testing.assert_allclose(found, reference.ema(codewords, batches, decay, warmup), rtol=0, atol=1e-12)


@given(seed=st.integers(0, 2**32 - 1), decay=st.floats(0, 0.99), smoothing=st.sampled_from([1e-7, 1e-3, 1.0, 100.0]))
@settings(max_examples=60, deadline=None)
def test_smoothing_is_that_of_laplace_with_the_total_restored(seed, decay, smoothing):
    """A loop over codewords with N̂ written as the docstring has it gives the same codewords."""
    codewords, batches = drawn(seed, 5)
    found = after(Ema(decay, smoothing, warmup=1.0), codewords, batches).codewords
    expected = reference.smoothed_ema(codewords, batches, decay, smoothing)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 100.0])
@pytest.mark.parametrize("size", [1, 64, 4096])
def test_at_decay_zero_codewords_are_the_means_of_their_members(offset, size):
    """With default smoothing and any number of codewords, each is the mean of its members to 1e-6 relative."""
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((4096, 4)) + offset).astype(np.float32)
    indices = rng.integers(0, size, 4096)
    codewords = rng.standard_normal((size, 4)).astype(np.float32)
    learner = Ema(decay=0.0)
    state = learner.init(torch.from_numpy(codewords))
    for _ in range(2):
        state = learner.step(state, seen_by(x, state.codewords, indices=indices))
        expected = reference.mean_of_members(codewords, [(x, indices)])
        np.testing.assert_allclose(state.codewords, expected, rtol=1e-6, atol=1e-6 * (1 + offset))


@given(
    seed=st.integers(0, 2**32 - 1),
    decay=st.floats(0, 0.999),
    smoothing=st.sampled_from([0.0, 1e-5, 1.0, 1e4]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@settings(max_examples=60, deadline=None)
def test_no_codeword_leaves_the_hull_of_what_it_has_seen(seed, decay, smoothing, dtype):
    """Along 8 random directions, a codeword stays between the least and the greatest of its start and its members."""
    codewords, batches = drawn(seed, 8, dtype=dtype)
    directions = np.random.default_rng(seed).standard_normal((3, 8))
    found = after(Ema(decay, smoothing), codewords, batches).codewords.numpy()
    for k, codeword in enumerate(found):
        held = np.concatenate([codewords[k : k + 1], *(x[indices == k] for x, indices in batches)]) @ directions
        # Eight steps of a few roundings each, of numbers below 10 along directions of length about 2.
        slack = 1000 * np.finfo(dtype).eps
        assert (codeword @ directions >= held.min(axis=0) - slack).all()
        assert (codeword @ directions <= held.max(axis=0) + slack).all()


def test_codewords_do_not_grow_with_the_batch():
    """The bug of the reports, a total divided out and not restored, makes codewords N times too long."""
    for count in (10, 10_000):
        x = np.full((count, 2), 3.0, np.float32)
        state = after(Ema(smoothing=1.0), np.full((4, 2), 3.0, np.float32), [(x, np.arange(count) % 4)] * 20)
        np.testing.assert_allclose(state.codewords, 3.0, rtol=1e-6)


def test_who_has_no_members_stays():
    """Codewords without members keep every bit; an empty and an all-masked batch change nothing at all."""
    codewords, batches = drawn(1, 4, dtype=np.float32)
    state = after(Ema(), codewords, batches)
    np.testing.assert_array_equal(state.codewords[-1], codewords[-1])
    masked = seen_by(batches[0][0], state.codewords, indices=np.full(20, -1))
    empty = seen_by(batches[0][0][:0], state.codewords, indices=np.empty(0, np.int64))
    for nothing in (masked, empty):
        for before, later in zip(state, Ema().step(state, nothing), strict=True):
            assert torch.equal(before, later)
        for before in Ema().step(Ema().init(state.codewords), nothing):
            assert torch.isfinite(before).all()


def test_the_first_batches_are_forgotten():
    """After 100 batches elsewhere, the first ten weigh less than 1e-6 with the warm-up, and a tenth without."""
    size, first, later = 1, np.zeros((4, 1), np.float32), np.ones((4, 1), np.float32)
    batches = [(first, np.zeros(4, int))] * 10 + [(later, np.zeros(4, int))] * 100
    start = np.zeros((size, 1), np.float32)
    assert after(Ema(), start, batches).codewords.item() > 1 - 1e-6
    # Without: weights 0.99^(110 - t), of which the first ten have 0.99^100 (1 - 0.99^10) / (1 - 0.99^110).
    share = 0.99**100 * (1 - 0.99**10) / (1 - 0.99**110)
    assert after(Ema(warmup=1.0), start, batches).codewords.item() == pytest.approx(1 - share, abs=1e-5)


def test_half_precision_codewords_are_kept_wide():
    """A bfloat16 start becomes a float32 state; float64 stays what it is."""
    assert Ema().init(torch.zeros(3, 2, dtype=torch.bfloat16)).codewords.dtype == torch.float32
    assert Ema().init(torch.zeros(3, 2, dtype=torch.float64)).counts.dtype == torch.float64


@pytest.mark.parametrize("wrong", [{"decay": 1.0}, {"decay": -0.1}, {"smoothing": -1.0}, {"warmup": 0.5}])
def test_parameters_out_of_range_are_refused(wrong):
    """Each is named with its value."""
    with pytest.raises(UsageError, match=f"{next(iter(wrong))}={next(iter(wrong.values()))}"):
        Ema(**wrong)


def test_a_compiled_step_is_the_plain_one():
    """Traced whole, without a graph break, the step gives the state of the plain call."""
    codewords, batches = drawn(2, 3, dtype=np.float32)
    learner, state = Ema(), Ema().init(torch.from_numpy(codewords))

    def step(state, counts, sums):
        nothing = torch.empty(0)
        return learner.step(state, Seen(Cells(counts, sums), nothing, nothing, nothing, nothing))

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    for x, indices in batches:
        cells = seen_by(x, state.codewords, indices=indices).cells
        for ours, theirs in zip(step(state, *cells), compiled(state, *cells), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)
        state = step(state, *cells)


@pytest.fixture(scope="module")
def converged():
    """Fresh vectors around 0, and the error on them of k-means that converged on 100 000 others."""
    x, fresh = (next(gaussian_batches(seed, 0, 1, count=count)) for seed, count in ((100, 100_000), (101, 50_000)))
    return fresh, nearest_of_clean(fresh, fit_codebook(x, 256).codewords).squared_distances.mean(dtype=np.float64)


@pytest.mark.parametrize("mean", [0, pytest.param(2, marks=pytest.mark.long), pytest.param(4, marks=pytest.mark.long), 8])
@pytest.mark.parametrize("from_data", [True, False])
def test_defaults_do_not_collapse(converged, mean, from_data):
    """On N(m, I_8), K = 256, after 150 batches of 4096: 99 % used and within 1 % of k-means, from data or from N(0, I)."""
    fresh, reference_error = converged
    rng = np.random.default_rng(mean)
    first = next(gaussian_batches(mean, mean, 1))
    start = KMeansPlusPlus()(first, 256, rng) if from_data else rng.standard_normal((256, 8)).astype(np.float32)
    state, _ = trained(Ema(), start, gaussian_batches(mean, mean, 150))
    found = nearest_of_clean(fresh + np.float32(mean), state.codewords.numpy())
    assert len(np.unique(found.indices)) >= 0.99 * 256
    # Over means, starts and seeds the ratio is 0.9963 with a standard deviation of 0.0008.
    assert found.squared_distances.mean(dtype=np.float64) <= 1.01 * reference_error


def test_the_key_is_not_needed():
    """An average draws nothing: any key gives the same bits."""
    codewords, batches = drawn(3, 1, dtype=np.float32)
    seen = [seen_by(*batches[0][:1], codewords, key=new_key(seed), indices=batches[0][1]) for seed in (0, 1)]
    states = [Ema().step(Ema().init(torch.from_numpy(codewords)), each) for each in seen]
    assert torch.equal(states[0].codewords, states[1].codewords)
