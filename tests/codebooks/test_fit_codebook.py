"""`zador.fit_codebook` at the public door: what it promises, what it refuses, and protocol A from our own parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import zador
from zador.codebooks import FromData, KMeansPlusPlus, Lloyd, keep_empty, principal_axes
from zador.errors import DataError, NonFiniteError, UsageError

# Protocol A, in-subspace distortion on the evaluation set after Lloyd has converged: mean over 20 restarts, standard
# deviation of one, and the best training run's.
IMPROVED = {8: (3.216, 0.010, 3.219), 16: (2.384, 0.012, 2.377), 32: (1.769, 0.007, 1.767), 64: (1.314, 0.005, 1.308)}


def gaussian(seed, count, dim):
    return np.random.default_rng(seed).standard_normal((count, dim))


@pytest.fixture(scope="module")
def testbed():
    """Protocol A's vectors, their four leading directions, and what projection alone costs."""
    bed = zador.data.low_rank_gaussian()
    directions = np.linalg.eigh(np.cov(bed.train.T, bias=True))[1][:, ::-1][:, :4]
    return bed, directions


class TestProtocolA:
    """The baseline of the reports, and what Lloyd reaches when it is let finish."""

    def test_the_baseline(self, testbed):
        """PCA, k-means++ and 30 updates give 2.4893 / 1.8085 / 3.4316 nats at K = 32, to the last printed digit."""
        bed, directions = testbed
        z = bed.train @ directions
        start = KMeansPlusPlus(candidates=1)(z, 32, np.random.default_rng(42))
        codewords = Lloyd(iterations=30, tolerance=0, empty=keep_empty).fit(z, start).codewords
        projected = bed.evaluation @ directions
        found = zador.nearest(projected, codewords)
        reconstruction = zador.metrics.distortion(bed.evaluation, codewords[found.indices] @ directions.T).mean
        entropy = zador.metrics.entropy_bits(zador.metrics.usage_counts(found.indices, 32)) * np.log(2)
        assert reconstruction == pytest.approx(2.4893, abs=5e-5)
        assert found.squared_distances.mean() == pytest.approx(1.8085, abs=5e-5)
        assert entropy == pytest.approx(3.4316, abs=5e-5)

    @pytest.mark.parametrize("size", [pytest.param(8, marks=pytest.mark.long), 32])
    def test_lloyd_to_convergence(self, testbed, size):
        """Of 20 restarts, the mean held-out figure is within 1, the best training run's within 2 standard deviations."""
        bed, directions = testbed
        z, judged = bed.train @ directions, bed.evaluation @ directions
        figure, deviation, best_figure = IMPROVED[size]
        runs = [Lloyd().fit(z, KMeansPlusPlus()(z, size, np.random.default_rng(seed))) for seed in range(20)]
        errors = [zador.nearest(judged, run.codewords).squared_distances.mean() for run in runs]
        best = errors[int(np.argmin([run.distortion for run in runs]))]
        assert np.mean(errors) == pytest.approx(figure, abs=deviation)
        assert best == pytest.approx(best_figure, abs=2 * deviation)

    @pytest.mark.long
    @pytest.mark.parametrize("size", [16, 64])
    def test_lloyd_to_convergence_at_the_other_sizes(self, testbed, size):
        """The same at K = 16 and 64."""
        self.test_lloyd_to_convergence(testbed, size)


class TestPromises:
    """What a caller may rely on."""

    def test_restarts_never_hurt(self):
        """The best of five runs is at most the first, which a single run reproduces."""
        x = gaussian(0, 1_000, 4)
        one, five = (zador.fit_codebook(x, 32, restarts=n, seed=3).origin["training_distortion"] for n in (1, 5))
        assert five <= one

    def test_the_same_seed_gives_the_same_bits(self):
        """Two fits with one seed are equal; another seed gives another codebook."""
        x = gaussian(0, 3_000, 4)
        first, second, other = (zador.fit_codebook(x, 16, seed=s).codewords for s in (1, 1, 2))
        np.testing.assert_array_equal(first, second)
        assert not np.array_equal(first, other)

    def test_a_given_start_is_where_it_starts(self):
        """With no iterations the codebook is the start; with some it is Lloyd's algorithm from there."""
        x = gaussian(0, 500, 3)
        np.testing.assert_array_equal(zador.fit_codebook(x, 9, init=x[:9], iterations=0).codewords, x[:9])
        np.testing.assert_array_equal(zador.fit_codebook(x, 9, init=x[:9]).codewords, Lloyd().fit(x, x[:9]).codewords)

    def test_a_function_of_ones_own(self):
        """Any callable (x, codebook_size, rng, weights) starts a codebook."""
        x = gaussian(0, 200, 3)
        fitted = zador.fit_codebook(x, 4, init=lambda x, size, _rng, _weights: x[-size:], iterations=0)
        np.testing.assert_array_equal(fitted.codewords, x[-4:])

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_tensors_in_tensors_out(self, dtype):
        """A tensor gives a tensor of codewords, float32 for half precision."""
        codewords = zador.fit_codebook(torch.from_numpy(gaussian(0, 300, 3)).to(dtype), 4).codewords
        assert isinstance(codewords, torch.Tensor)
        assert codewords.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)

    def test_usage_counts_the_training_vectors(self):
        """The usage sums to N, or to the weights' sum."""
        x, weights = gaussian(0, 300, 3), np.random.default_rng(1).random(300)
        assert zador.fit_codebook(x, 8).usage.sum() == 300
        assert zador.fit_codebook(x, 8, weights=weights).usage.sum() == pytest.approx(weights.sum())

    def test_as_many_codewords_as_distinct_vectors(self):
        """With K equal to the number of distinct vectors the distortion is 0."""
        x = gaussian(0, 20, 3)[np.arange(100) % 20]
        assert zador.fit_codebook(x, 20).origin["training_distortion"] == 0

    def test_constant_columns_and_integers(self):
        """Data that hardly vary, and integers, are fitted like any others."""
        x = np.zeros((100, 3), np.int64)
        x[:, 1] = np.arange(100)
        assert np.isfinite(zador.fit_codebook(x, 10).codewords).all()


class TestRefusals:
    """Bad input gets one line that says what was asked, what was got, and what to do."""

    @pytest.mark.parametrize(
        ("x", "options", "error", "message"),
        [
            (np.ones((10, 2)), {"codebook_size": 2}, DataError, "only 1 distinct ones; ask for at most 1"),
            (np.arange(10.0)[:, None], {"codebook_size": 11}, DataError, "only 10 distinct ones"),
            (np.ones((0, 2)), {"codebook_size": 1}, DataError, "only 0 distinct"),
            (np.ones(4), {"codebook_size": 1}, DataError, r"expected shape \(N, D\)"),
            (np.array([[1.0, np.nan]]), {"codebook_size": 1}, NonFiniteError, "1 of 1 rows"),
            (np.eye(4), {"codebook_size": 0}, UsageError, "codebook_size: expected a whole number of at least 1, got 0"),
            (np.eye(4), {"codebook_size": 2.5}, UsageError, "codebook_size"),
            (np.eye(4), {"codebook_size": True}, UsageError, "codebook_size"),
            (np.eye(4), {"codebook_size": 2, "iterations": -1}, UsageError, "iterations"),
            (np.eye(4), {"codebook_size": 2, "restarts": 0}, UsageError, "restarts"),
            (np.eye(4), {"codebook_size": 2, "seed": -1}, UsageError, "seed"),
            (np.eye(4), {"codebook_size": 2, "init": "kmeans++"}, UsageError, "KMeansPlusPlus"),
            (np.eye(4), {"codebook_size": 2, "init": np.eye(3)}, DataError, "expected 2 codewords of 4 coordinates"),
            (np.eye(4), {"codebook_size": 1, "init": np.full((1, 4), np.inf)}, NonFiniteError, "init: 1 codewords"),
            (np.eye(4), {"codebook_size": 2, "init": np.eye(4)[:2], "restarts": 3}, UsageError, "all end alike"),
            (np.eye(4), {"codebook_size": 2, "weights": [1, 2, 3]}, DataError, "expected 4 non-negative numbers"),
            (np.eye(4), {"codebook_size": 2, "weights": [1, 2, 3, -1]}, DataError, "some negative"),
            (np.eye(4), {"codebook_size": 2, "weights": [0, 0, 0, 0]}, DataError, "not all 0"),
            (np.eye(4), {"codebook_size": 2, "weights": [1, 0, 0, 0]}, DataError, "only 1 distinct"),
            (np.eye(4), {"codebook_size": 2, "weights": [1, 1, 1, np.nan]}, NonFiniteError, "weights"),
        ],
    )
    def test_says_why(self, x, options, error, message):
        """Each wrong argument has its own message."""
        with pytest.raises(error, match=message):
            zador.fit_codebook(x, **options)

    def test_from_data_with_too_few_positive_weights(self):
        """Even an initialiser that draws without replacement is reached only with enough vectors of positive weight."""
        with pytest.raises(DataError, match="distinct"):
            zador.fit_codebook(np.eye(4), 3, init=FromData(), weights=[1, 1, 0, 0])


def test_the_axes_of_the_testbed_are_protocol_as(testbed):
    """Our principal axes span what numpy's eigh of the biased covariance spans."""
    bed, directions = testbed
    ours = principal_axes(bed.train).directions[:, :4]
    assert zador.metrics.principal_angles(ours, directions).max() < 1e-9
