"""Lloyd's algorithm: the definition, scikit-learn, and the laws that every run keeps."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from references import lloyd as reference
from threads import threads
from zador.codebooks import Lloyd, keep_empty, relocate_empty


def gaussian(seed, count, dim, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal((count, dim)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("count", "dim", "size"), [(2_000, 8, 32), (3_000, 3, 300), (1_797, 64, 16)])
def test_every_iteration_equals_scikit_learn(dtype, count, dim, size):
    """From the same start, the codewords after 1, 2, 3, 5, 10 and 20 updates equal scikit-learn's to 1e-5 relative."""
    x = gaussian(0, count, dim, dtype)
    start = x[:size].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for iterations in (1, 2, 3, 5, 10, 20):
            theirs = KMeans(size, init=start, n_init=1, max_iter=iterations, tol=0).fit(x).cluster_centers_
            ours = Lloyd(iterations=iterations, tolerance=0).fit(x, start).codewords
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(x).max())


def test_relocation_equals_scikit_learn():
    """With ten far codewords that nobody chooses, the inertia after each update is scikit-learn's."""
    x = np.repeat(gaussian(0, 50, 2), 4, axis=0) + 1e-3 * gaussian(1, 200, 2)
    start = np.concatenate([x[:5], 50 + gaussian(2, 10, 2)])
    for iterations in (1, 2, 3, 6):
        theirs = KMeans(15, init=start, n_init=1, max_iter=iterations, tol=0).fit(x).inertia_
        ours = Lloyd(iterations=iterations, tolerance=0).fit(x, start)
        assert ours.distortion * len(x) == pytest.approx(theirs, rel=1e-12)


@given(seed=st.integers(0, 2**32 - 1), dim=st.integers(1, 5), size=st.integers(1, 12), weighted=st.booleans())
@settings(max_examples=50)
def test_a_run_is_the_definition(seed, dim, size, weighted):
    """Codewords and distortions equal loops over cells, with weights and without; empty cells keep their codeword."""
    rng = np.random.default_rng(seed)
    x, start = rng.standard_normal((60, dim)), 2 * rng.standard_normal((size, dim))
    weights = rng.integers(0, 4, 60).astype(float) + (0.5 if seed % 2 else 0.0) if weighted else None
    if weights is not None and weights.sum() == 0:
        weights[0] = 1.0
    state, learner = Lloyd().init(start), Lloyd(empty=keep_empty)
    history = []
    for _ in range(3):
        state, info = learner.step(state, x, weights)
        history.append(info.distortion)
    codewords, expected = reference.lloyd(x, start, 3, weights)
    np.testing.assert_allclose(state.codewords, codewords, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(history, expected[:-1], rtol=1e-12)


@given(
    seed=st.integers(0, 2**32 - 1),
    offset=st.sampled_from([0.0, 1.0, 1e3]),
    dtype=st.sampled_from([np.float32, np.float64]),
    policy=st.sampled_from([relocate_empty, keep_empty]),
)
@settings(max_examples=60)
def test_the_objective_never_increases(seed, offset, dtype, policy):
    """Whatever the start, offset, precision and policy, no update raises the distortion."""
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal((300, 3)) ** 3 + offset).astype(dtype)
    start = (rng.standard_normal((20, 3)) + offset).astype(dtype)
    history = Lloyd(tolerance=0, empty=policy).fit(x, start).history
    assert all(later < earlier for earlier, later in itertools.pairwise(history))


def test_integer_weights_equal_repetition():
    """A vector of weight 3 is three vectors."""
    x, rng = gaussian(0, 200, 3), np.random.default_rng(1)
    weights = rng.integers(0, 4, 200)
    weighted = Lloyd().fit(x, x[:8], weights.astype(float))
    repeated = Lloyd().fit(np.repeat(x, weights, axis=0), x[:8])
    np.testing.assert_allclose(weighted.codewords, repeated.codewords, rtol=1e-12)
    assert weighted.distortion == pytest.approx(repeated.distortion, rel=1e-12)
    np.testing.assert_allclose(weighted.usage, repeated.usage)


def test_a_converged_codebook_is_a_fixed_point():
    """At tolerance 0 every codeword is the mean of its cell, and the history ends where the codewords are."""
    x = gaussian(0, 500, 2)
    result = Lloyd(tolerance=0).fit(x, x[:10])
    assert result.converged
    state, info = Lloyd().step(Lloyd().init(result.codewords), x)
    np.testing.assert_allclose(state.codewords, result.codewords, rtol=1e-12, atol=1e-14)
    assert info.distortion == result.distortion
    np.testing.assert_array_equal(info.usage, result.usage)


def test_iterations_are_an_upper_limit():
    """With one iteration there is one update, said not to have converged; with none, the start is judged."""
    x = gaussian(0, 500, 2)
    once, never = Lloyd(iterations=1).fit(x, x[:10]), Lloyd(iterations=0).fit(x, x[:10])
    assert (len(once.history), once.converged) == (2, False)
    assert len(never.history) == 1
    np.testing.assert_array_equal(never.codewords, x[:10])


def test_threads_do_not_change_a_bit():
    """One thread and all threads give the same codewords, bit for bit."""
    x = gaussian(0, 20_000, 8)
    with threads(2):
        many = Lloyd(iterations=5).fit(x, x[:256])
    with threads(1):
        one = Lloyd(iterations=5).fit(x, x[:256])
    np.testing.assert_array_equal(one.codewords, many.codewords)
    assert one.history == many.history
