"""The testbed is the one of the protocol, to the bit."""

import numpy as np
import pytest

from references import protocol_a
from zador.data import low_rank_gaussian
from zador.errors import UsageError

# What the protocol is known to give, to four decimals.
PUBLISHED = {"reconstruction": 2.4893, "in_subspace": 1.8085, "entropy_nats": 3.4316}


@pytest.fixture(scope="module")
def testbed():
    """Draw the default testbed once."""
    return low_rank_gaussian()


def test_default_draws_equal_the_written_out_protocol_bit_for_bit(testbed):
    """The generator and the step-by-step reference make the same draws in the same order."""
    train, evaluation, basis, covariance = protocol_a.draw()
    np.testing.assert_array_equal(testbed.train, train)
    np.testing.assert_array_equal(testbed.evaluation, evaluation)
    np.testing.assert_array_equal(testbed.basis, basis)
    np.testing.assert_array_equal(testbed.covariance, covariance)


def test_pca_and_lloyd_on_the_testbed_give_the_published_figures(testbed):
    """PCA to 4 dimensions and 30 Lloyd iterations with 32 codewords give the figures that reports quote."""
    measured = protocol_a.baseline(testbed.train, testbed.evaluation)
    np.testing.assert_allclose(measured, list(PUBLISHED.values()), rtol=0, atol=5e-5)


def test_noisy_draws_equal_the_reference_too():
    """Noise is a variance, added to the covariance and nowhere else."""
    sizes = {"dim": 10, "rank": 3, "noise_variance": 0.5, "train": 50, "evaluation": 20, "seed": 7}
    source = low_rank_gaussian(**sizes)
    train, evaluation, _, _ = protocol_a.draw(**sizes)
    np.testing.assert_array_equal(source.train, train)
    np.testing.assert_array_equal(source.evaluation, evaluation)


@pytest.mark.parametrize("noise_variance", [0.0, 0.3])
def test_eigenvalues_are_those_of_the_covariance(noise_variance):
    """The eigenvalues given exactly agree with a decomposition of the covariance, to rounding."""
    source = low_rank_gaussian(dim=12, rank=4, noise_variance=noise_variance, train=1, evaluation=1)
    decomposed = np.linalg.eigvalsh(source.covariance)[::-1]
    # A backward-stable solver errs by a small multiple of eps times the largest eigenvalue.
    np.testing.assert_allclose(source.eigenvalues, decomposed, rtol=0, atol=12 * np.finfo(float).eps * 4.3 * 4)
    np.testing.assert_allclose(source.basis.T @ source.basis, np.eye(4), rtol=0, atol=1e-14)


def test_draws_have_the_covariance_that_is_claimed(testbed):
    """The mean squared projection on each basis vector is its variance, within 5 standard errors."""
    projected = (testbed.train @ testbed.basis) ** 2
    standard_error = testbed.signal_variances * np.sqrt(2 / len(testbed.train))
    assert (np.abs(projected.mean(axis=0) - testbed.signal_variances) < 5 * standard_error).all()


def test_seed_decides_the_draws():
    """Equal seeds give equal bits, other seeds other vectors, and a generator goes on where it stands."""
    small = {"train": 5, "evaluation": 5}
    first, again = low_rank_gaussian(seed=1, **small), low_rank_gaussian(seed=1, **small)
    np.testing.assert_array_equal(first.train, again.train)
    assert not np.array_equal(first.train, low_rank_gaussian(seed=2, **small).train)
    np.testing.assert_array_equal(first.train, low_rank_gaussian(seed=np.random.default_rng(1), **small).train)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rank": 65}, ["rank=65", "dim=64"]),
        ({"rank": 0}, ["rank=0"]),
        ({"noise_variance": -0.1}, ["noise_variance", "-0.1"]),
        ({"noise_variance": float("nan")}, ["noise_variance", "nan"]),
        ({"train": 0}, ["train=0"]),
        ({"evaluation": 0}, ["evaluation=0"]),
        ({"seed": None}, ["seed", "None"]),
        ({"seed": -1}, ["seed", "-1"]),
    ],
)
def test_numbers_out_of_range_are_refused(refused, arguments, words):
    """Sizes, variances and seeds that mean nothing are refused, and the message repeats them."""
    refused(UsageError, lambda: low_rank_gaussian(**arguments), *words)
