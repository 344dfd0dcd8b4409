"""What every initialiser promises, and what each one's law is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from zador.codebooks import (
    FromData,
    KMeansPlusPlus,
    LloydMaxGrid,
    RateDistortion,
    Uniform,
    ZadorDensity,
    allocate_levels,
    principal_axes,
)
from zador.errors import DataError, UsageError
from zador.theory import gaussian, scalar

ALL = [
    FromData(),
    KMeansPlusPlus(),
    KMeansPlusPlus(candidates=1),
    LloydMaxGrid(),
    RateDistortion(),
    Uniform(),
    ZadorDensity(),
]


def sample(seed=0, count=2_000, spectrum=(4.0, 1.0, 0.25), mean=3.0):
    """Gaussian vectors with the given variances, rotated, away from the origin."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((len(spectrum), len(spectrum))))[0]
    return rng.standard_normal((count, len(spectrum))) * np.sqrt(spectrum) @ rotation.T + mean


@pytest.mark.parametrize("initialiser", ALL, ids=repr)
class TestEvery:
    """Promises that hold for all of them."""

    @pytest.mark.parametrize("size", [1, 2, 7, 64])
    def test_gives_that_many_finite_codewords(self, initialiser, size):
        """Any size gives (size, d) finite codewords."""
        found = initialiser(sample(), size, np.random.default_rng(0))
        assert found.shape == (size, 3)
        assert np.isfinite(found).all()

    def test_the_same_seed_gives_the_same_codewords(self, initialiser):
        """The generator is the only source of chance, and the global one is left alone."""
        before = np.random.get_state()[1].copy()  # noqa: NPY002 - to see that nobody touches it
        first, second = (initialiser(sample(), 16, np.random.default_rng(5)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002 - as above

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_constant_columns_are_no_obstacle(self, initialiser, dtype):
        """Data that vary in two of four coordinates start a codebook, too."""
        x = np.zeros((300, 4), dtype)
        x[:, :2] = sample()[:300, :2]
        assert np.isfinite(initialiser(x, 16, np.random.default_rng(0))).all()

    def test_weights_replace_repetition(self, initialiser):
        """Vectors of weight 0 might as well be absent: a far one leaves no trace."""
        x = np.concatenate([sample(), np.full((50, 3), 1e6)])
        weights = np.concatenate([np.ones(2_000), np.zeros(50)])
        assert np.abs(initialiser(x, 32, np.random.default_rng(0), weights)).max() < 100


class TestLaws:
    """Mean and spread of the drawn codewords, within four standard errors."""

    @pytest.mark.parametrize("size", [4, 4096])
    def test_rate_distortion_is_the_reproduction_law(self, size):
        """The covariance of 4,096 codewords is diag((λ - θ)+) along the axes; at 2 bits the last axis is shut off."""
        x = sample()
        axes = principal_axes(x)
        found = np.concatenate([RateDistortion()(x, size, np.random.default_rng(s)) for s in range(8192 // size)])
        spread = ((found - axes.mean) @ axes.directions).var(axis=0)
        expected = gaussian.reproduction_variances(axes.eigenvalues, np.log2(size))
        np.testing.assert_allclose(spread, expected, rtol=4 * np.sqrt(2 / 8192), atol=1e-20)
        assert (expected[-1] == 0) == (size == 4)

    def test_jitter_opens_the_shut_directions(self):
        """With jitter every axis has some spread."""
        x = sample()
        found = RateDistortion(jitter=0.1)(x, 4, np.random.default_rng(0))
        assert (((found - found.mean(axis=0)) @ principal_axes(x).directions).std(axis=0) > 1e-3).all()

    def test_zador_density_is_wider_than_the_data(self):
        """The variances are (d + 2)/d times the data's, d counting only directions that vary."""
        x = np.concatenate([sample(), np.ones((2_000, 5))], axis=1)
        axes = principal_axes(x)
        found = ZadorDensity()(x, 8192, np.random.default_rng(0))
        spread = ((found - axes.mean) @ axes.directions).var(axis=0)
        np.testing.assert_allclose(spread, 5 / 3 * axes.eigenvalues, rtol=4 * np.sqrt(2 / 8192), atol=1e-20)

    def test_uniform_fills_its_cube(self):
        """Codewords lie within ±1/K, or within the half width that was asked for, and reach for its walls."""
        assert np.abs(Uniform()(sample(), 64, np.random.default_rng(0))).max() <= 1 / 64
        assert 1.9 < np.abs(Uniform(2.0)(sample(), 64, np.random.default_rng(0))).max() <= 2.0

    def test_from_data_draws_different_rows(self):
        """Every codeword is a vector of the data, none twice."""
        x = sample(count=100)
        found = FromData()(x, 100, np.random.default_rng(0))
        np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(x, axis=0))

    def test_kmeans_plus_plus_needs_a_draw(self):
        """Zero candidates a round is refused in words."""
        with pytest.raises(UsageError, match="candidates=0"):
            KMeansPlusPlus(candidates=0)(sample(), 4, np.random.default_rng(0))


class TestGrid:
    """The product of scalar quantizers."""

    def test_is_the_product_of_lloyd_max_levels(self):
        """Without jitter the coordinates along each axis are the scaled Lloyd–Max levels."""
        x = sample(spectrum=(8.0, 1.0, 0.3))
        axes = principal_axes(x)
        coordinates = (LloydMaxGrid(jitter=0.0)(x, 16, np.random.default_rng(0)) - axes.mean) @ axes.directions
        for axis, levels in enumerate(allocate_levels(axes.eigenvalues, 16)):
            expected = np.sqrt(axes.eigenvalues[axis]) * scalar.lloyd_max("gaussian", levels).levels
            np.testing.assert_allclose(np.unique(coordinates[:, axis].round(9)), expected, atol=1e-8)

    @pytest.mark.parametrize("size", [2, 3, 5, 6, 8, 12, 16, 30])
    @pytest.mark.parametrize("spectrum", [(4.0, 2.3, 1.3, 0.76), (8.0, 1.0, 0.3, 0.1), (1.0, 1.0, 1.0, 1.0)])
    def test_levels_are_the_best_of_all(self, size, spectrum):
        """The dynamic programme finds what enumeration of all level vectors with product at most K finds."""

        def total(levels):
            return sum(v * scalar.lloyd_max("gaussian", n).distortion for v, n in zip(spectrum, levels, strict=True))

        every = (c for c in itertools.product(range(1, size + 1), repeat=4) if np.prod(c) <= size)
        chosen = allocate_levels(np.array(spectrum), size)
        assert total((*chosen, *[1] * (4 - len(chosen)))) == pytest.approx(min(map(total, every)), rel=1e-12)

    def test_known_allocations(self):
        """The testbed at K = 16 takes [4, 2, 2], the steep spectrum [8, 2]; a large K is quick."""
        assert allocate_levels(np.geomspace(4, 0.25, 6)[:4], 16) == (4, 2, 2)
        assert allocate_levels(np.array([8.0, 1.0, 0.3, 0.1]), 16) == (8, 2)
        assert np.prod(allocate_levels(np.ones(16), 65536)) == 65536


class TestAxes:
    """Mean and covariance in blocks."""

    def test_is_the_covariance(self, monkeypatch):
        """U diag(λ) Uᵀ is numpy's biased covariance, however the blocks fall, with weights as with repetition."""
        monkeypatch.setattr("zador.codebooks.initialise.axes._BLOCK_ROWS", 7)
        x, weights = sample(count=100), np.random.default_rng(0).integers(1, 4, 100)
        for axes, data in (
            (principal_axes(x), x),
            (principal_axes(x, weights.astype(float)), np.repeat(x, weights, axis=0)),
        ):
            np.testing.assert_allclose(axes.mean, data.mean(axis=0), rtol=1e-12)
            covariance = axes.directions @ np.diag(axes.eigenvalues) @ axes.directions.T
            np.testing.assert_allclose(covariance, np.cov(data.T, bias=True), rtol=1e-10, atol=1e-12)

    def test_rounding_is_not_a_direction(self):
        """Data in a plane of three dimensions have rank 2, and the third eigenvalue is 0, not rounding."""
        x = np.random.default_rng(0).standard_normal((500, 2)) @ np.random.default_rng(1).standard_normal((2, 3))
        assert principal_axes(x).rank == 2

    def test_weights_that_sum_to_zero(self):
        """No mass is no covariance."""
        with pytest.raises(DataError, match="sum to 0"):
            principal_axes(sample(count=3), np.zeros(3))
