"""What every initialiser promises, and what each one's law is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import zador
from zador.codebooks import (
    BestGaussian,
    FromData,
    IsotropicRateDistortion,
    KMeansPlusPlus,
    LloydMaxGrid,
    PredictingInitialiser,
    RateDistortion,
    ReproductionLaw,
    Uniform,
    ZadorDensity,
    allocate_levels,
    principal_axes,
)
from zador.codebooks.initialise.prediction import nearest_of_draws
from zador.errors import DataError, UsageError
from zador.theory import gaussian, random_codebook, scalar

ALL = [
    FromData(),
    KMeansPlusPlus(),
    KMeansPlusPlus(candidates=1),
    LloydMaxGrid(),
    RateDistortion(),
    IsotropicRateDistortion(),
    BestGaussian(),
    ReproductionLaw(sample=64),
    Uniform(),
    ZadorDensity(),
]
PREDICTING = [
    FromData(),
    LloydMaxGrid(),
    LloydMaxGrid(jitter=0.0),
    RateDistortion(),
    RateDistortion(jitter=0.2),
    IsotropicRateDistortion(),
    BestGaussian(),
    ReproductionLaw(sample=64),
    Uniform(),
    Uniform(5.0),
    ZadorDensity(),
]


# Gauss–Legendre and contour rules of the Gaussian laws; jitter's fourth order: both stated in the docstrings.
RULES = 1e-3


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


def clusters(count=500):
    """Vectors that are far from Gaussian: a bent cloud and a small far one."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal((count, 3)) * [1.0, 0.3, 0.1]
    x[:, 1] += x[:, 0] ** 2
    x[: count // 4] += [6.0, -2.0, 1.0]
    return x


class TestPredictions:
    """What an initialiser says of its start is what it does, on average over seeds."""

    SEEDS = 60

    @pytest.mark.parametrize(
        ("data", "size"), [(sample(count=600), 16), (clusters(), 13)], ids=["gaussian-16", "clusters-13"]
    )
    @pytest.mark.parametrize("initialiser", PREDICTING, ids=repr)
    def test_is_met(self, initialiser, data, size):
        """The mean starting distortion of 60 seeds lies within four standard errors, the prediction's own included."""
        predicted = initialiser.predicted_distortion(data, size)
        measured = [
            zador.fit_codebook(data, size, init=initialiser, iterations=0, seed=seed).origin["training_distortion"]
            for seed in range(self.SEEDS)
        ]
        error = np.hypot(np.std(measured) / np.sqrt(self.SEEDS), predicted.standard_error)
        assert np.mean(measured) == pytest.approx(predicted.distortion, abs=4 * error + RULES * predicted.distortion)

    @pytest.mark.parametrize("initialiser", [i for i in PREDICTING if not isinstance(i, FromData)], ids=repr)
    def test_is_met_with_weights(self, initialiser):
        """Weighted data are predicted with their weights."""
        data, weights = clusters(), np.random.default_rng(1).random(500) ** 2
        predicted = initialiser.predicted_distortion(data, 16, weights)
        start = [initialiser(data, 16, np.random.default_rng(seed), weights) for seed in range(self.SEEDS)]
        measured = [np.average(((data[:, None] - c) ** 2).sum(axis=2).min(axis=1), weights=weights) for c in start]
        error = np.hypot(np.std(measured) / np.sqrt(self.SEEDS), predicted.standard_error)
        assert np.mean(measured) == pytest.approx(predicted.distortion, abs=4 * error + RULES * predicted.distortion)

    @pytest.mark.parametrize("initialiser", PREDICTING, ids=repr)
    def test_some_rows_stand_for_all(self, initialiser):
        """On 20,000 rows, of which some are looked at, two seeds agree within their standard errors."""
        data = sample(count=20_000)
        one, other = (initialiser.predicted_distortion(data, 16, seed=seed) for seed in (0, 1))
        error = np.hypot(one.standard_error, other.standard_error)
        assert one.distortion == pytest.approx(other.distortion, abs=4.5 * error + 1e-12 * one.distortion)

    def test_equals_the_theory_of_the_source(self):
        """On Gaussian data the prediction is that of the random codebook's theory for the covariance of the data."""
        data = sample(count=20_000)
        eigenvalues = principal_axes(data).eigenvalues
        predicted = RateDistortion().predicted_distortion(data, 16)
        theory = random_codebook.expected_distortion(eigenvalues, RateDistortion().variances(eigenvalues, 16), 16)
        # The data are 20,000 vectors of the source: four standard errors of their own mean squares come on top.
        own = (predicted.distortion / eigenvalues.sum()) * np.sqrt(2 * (eigenvalues**2).sum() / 20_000)
        error = np.sqrt(predicted.standard_error**2 + theory.standard_error**2 + own**2)
        assert predicted.distortion == pytest.approx(theory.distortion, abs=4 * error)

    def test_best_gaussian_is_predicted_lowest(self):
        """On Gaussian data none of the Gaussian laws is predicted to start lower, to the standard errors."""
        data = sample(count=600)
        best = BestGaussian().predicted_distortion(data, 16)
        for other in (RateDistortion(), IsotropicRateDistortion(), ZadorDensity()):
            predicted = other.predicted_distortion(data, 16)
            margin = 4 * np.hypot(best.standard_error, predicted.standard_error) + 0.02 * best.distortion  # 600 rows
            assert best.distortion < predicted.distortion + margin

    def test_who_predicts(self):
        """All with a law that can be integrated over; k-means++ has none, and says nothing."""
        assert all(isinstance(initialiser, PredictingInitialiser) for initialiser in PREDICTING)
        assert not isinstance(KMeansPlusPlus(), PredictingInitialiser)

    def test_drawing_by_weight_is_not_predicted(self):
        """Unequal weights are refused; weights of 0 and 1 leave the rows of weight 0 out."""
        data, weights = clusters(), np.repeat([1.0, 0.0], 250)
        whole = FromData().predicted_distortion(data[:250], 8)
        assert FromData().predicted_distortion(data, 8, weights).distortion == pytest.approx(whole.distortion, rel=1e-12)
        with pytest.raises(UsageError, match="unequal weights"):
            FromData().predicted_distortion(data, 8, weights + 1)

    def test_all_rows_as_codewords_leave_nothing(self):
        """With K = N codewords from the data the distortion is 0, predicted as measured."""
        assert FromData().predicted_distortion(clusters(), 500).distortion == 0.0

    @pytest.mark.parametrize("draws", [1, 2, 3, 5])
    def test_mean_over_draws_is_that_of_enumeration(self, draws):
        """The sum over sorted distances is the mean over all subsets."""
        distances = np.random.default_rng(0).random((4, 5))
        every = [distances[:, list(chosen)].min(axis=1) for chosen in itertools.combinations(range(5), draws)]
        np.testing.assert_allclose(nearest_of_draws(distances, draws), np.mean(every, axis=0), rtol=1e-13)


class TestNewLaws:
    """Laws beyond that of Shannon."""

    def test_isotropic_rate_distortion_ignores_the_spectrum(self):
        """All axes spread alike, by the mean variance times 1 - K^(-2/d): on a steep spectrum a much worse start."""
        steep = np.array([8.0, 1.0, 0.3, 0.1])
        assert IsotropicRateDistortion().variances(steep, 16).tolist() == pytest.approx([2.35 * 0.75] * 4, rel=1e-14)
        x = sample(spectrum=steep, count=600)
        flawed, right = (i.predicted_distortion(x, 16).distortion for i in (IsotropicRateDistortion(), RateDistortion()))
        # 4.69 against 1.82 in the theory notes, section 2.10; 600 vectors know their spectrum to about 6 %.
        assert flawed / right == pytest.approx(4.69 / 1.82, rel=0.2)

    def test_isotropic_and_water_filled_are_one_on_an_isotropic_source(self):
        """Where all variances are equal the two laws are the same."""
        flat = np.full(4, 3.0)
        assert IsotropicRateDistortion().variances(flat, 16) == pytest.approx(
            RateDistortion().variances(flat, 16), rel=1e-12
        )

    def test_reproduction_law_leaves_the_gap_empty(self):
        """Two clusters: no codeword between them, where a Gaussian law puts a good part."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((1000, 2)) + np.repeat([[-20.0, 0.0], [20.0, 0.0]], 500, axis=0)
        codewords = ReproductionLaw(sample=128)(x, 64, np.random.default_rng(1))
        assert (np.abs(codewords[:, 0]) > 14).all()
        assert (np.abs(RateDistortion()(x, 64, np.random.default_rng(1))[:, 0]) < 14).any()

    def test_reproduction_law_of_gaussian_data_is_shannons(self):
        """Its total variance is tr Σ - D(R), to what 256 vectors and a fixed support can know of it."""
        x = sample(count=256)
        law = ReproductionLaw(sample=256).law(x, 8)
        mean = law.probabilities @ law.atoms
        spread = float(law.probabilities @ ((law.atoms - mean) ** 2).sum(axis=1))
        eigenvalues = principal_axes(x).eigenvalues
        expected = eigenvalues.sum() - gaussian.distortion_rate(eigenvalues, 3.0)
        # A mean over 256 squares has a relative standard error of √(2/256) = 9 % on the leading axis.
        assert spread == pytest.approx(expected, rel=4 * np.sqrt(2 / 256))

    def test_one_codeword_is_the_mean(self):
        """At 0 bits the law is the mean."""
        x = sample(count=300)
        np.testing.assert_allclose(
            ReproductionLaw(sample=300)(x, 1, np.random.default_rng(0))[0], x.mean(axis=0), rtol=1e-12
        )


def level_vectors(most, axes):
    """Every vector of that many counts, each at least 1, whose product is at most `most`."""
    if axes == 0:
        return [()]
    return [(n, *rest) for n in range(1, most + 1) for rest in level_vectors(most // n, axes - 1)]


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

        chosen = allocate_levels(np.array(spectrum), size)
        best = min(map(total, level_vectors(size, axes=4)))
        assert total((*chosen, *[1] * (4 - len(chosen)))) == pytest.approx(best, rel=1e-12)

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
