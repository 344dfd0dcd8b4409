"""Random codebooks: printed values, an independent quadrature, simulation, and laws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from references import random_codebook as reference
from zador.errors import DataError, UsageError
from zador.theory import gaussian, random_codebook
from zador.theory.kpoint import radial
from zador.theory.nearest_draw import nearest_draw
from zador.theory.random_codebook import best_gaussian, expected_distortion, expected_distortion_of

# d, K: best variance; D/d with it, with the law of R(D), with the source's, with Zador's. Theory notes, section 3.6.
PRINTED = [
    (1, 8, 1.632, 0.1479, 0.1631, 0.1621, 0.1717),
    (2, 8, 0.879, 0.3652, 0.3652, 0.3667, 0.4357),
    (2, 64, 1.612, 0.0580, 0.0665, 0.0659, 0.0594),
    (4, 8, 0.468, 0.5995, 0.6082, 0.6560, 0.7537),
    (4, 16, 0.663, 0.4508, 0.4522, 0.4670, 0.5223),
    (4, 32, 0.830, 0.3322, 0.3322, 0.3352, 0.3654),
    (4, 64, 0.968, 0.2418, 0.2426, 0.2419, 0.2572),
    (4, 1024, 1.300, 0.0641, 0.0671, 0.0665, 0.0648),
    (6, 64, 0.709, 0.3900, 0.3903, 0.4010, 0.4297),
    (16, 1024, 0.519, 0.5111, 0.5122, 0.5545, 0.5736),
]
SPECTRUM = np.geomspace(4.0, 0.25, 6)


def isotropic(dim, variance, size):
    return expected_distortion(np.ones(dim), np.full(dim, variance), size).distortion / dim


@pytest.mark.parametrize("row", PRINTED, ids=lambda row: f"{row[0]}-{row[1]}")
def test_printed_values(row):
    """The four columns of the table, to one unit of their last digit: its own quadrature was off by half of one."""
    dim, size, best, *columns = row
    variances = (best, -math.expm1(-2 * math.log(size) / dim), 1.0, (dim + 2) / dim)
    for variance, printed in zip(variances, columns, strict=True):
        assert isotropic(dim, variance, size) == pytest.approx(printed, abs=1e-4)


@pytest.mark.parametrize("row", PRINTED, ids=lambda row: f"{row[0]}-{row[1]}")
def test_best_variance(row):
    """The best variance of an isotropic Gaussian codebook is the printed one, to its last digit."""
    dim, size, best, distortion, *_ = row
    law = best_gaussian(np.full(dim, 2.0), size)
    assert law.variances / 2 == pytest.approx(np.full(dim, best), abs=6e-4)
    assert law.distortion / (2 * dim) == pytest.approx(distortion, abs=5.1e-5)


@pytest.mark.parametrize(("dim", "size", "variance"), [(1, 8, 1.6), (3, 5, 0.3), (8, 300, 0.7)])
def test_agrees_with_another_quadrature(dim, size, variance):
    """Integrating the survival function over t with Simpson's rule gives the same, to that rule's accuracy."""
    expected = reference.expected_distortion(dim, size, variance)
    assert dim * isotropic(dim, variance, size) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("size", [2, 3, 16, 1024, 2**20])
@pytest.mark.parametrize("dim", [1, 4, 50])
def test_contour_and_quantiles_agree(dim, size):
    """Averaged over |x|, the inversion for single vectors gives what the quantiles of chi-squared give."""
    radii, weights = np.polynomial.legendre.leggauss(40)
    radii = math.sqrt(dim) + 4.5 * radii
    radii, weights = radii[radii > 0], weights[radii > 0]
    density = np.exp(random_codebook.log_radius_density(dim, radii)) * weights
    x = np.zeros((len(radii), dim))
    x[:, 0] = radii
    found = float(density @ nearest_draw(x, np.full(dim, 0.8), size) / density.sum())
    # Cutting |x| and renormalising costs less than 1e-3 only where nodes fill the cut range: compare like with like.
    exact = [_quantile_mean(dim, float(radius), 0.8, size) for radius in radii]
    assert found == pytest.approx(float(density @ exact / density.sum()), rel=2e-4)


def _quantile_mean(dim, radius, variance, size):
    from scipy.special import chndtrix

    step = np.linspace(-4.2, 3.4, 241)
    odds = math.pi * np.sinh(step)
    share = math.pi * np.cosh(step) / (1 + np.exp(odds)) / (1 + np.exp(-odds)) * (step[1] - step[0])
    probability = -np.expm1(-np.logaddexp(0, odds) / size)
    return variance * float(chndtrix(probability, dim, radius**2 / variance) @ share)


@pytest.mark.parametrize(
    ("variances", "size"),
    [(SPECTRUM, 16), (gaussian.reproduction_variances(SPECTRUM, 4.0), 16), (SPECTRUM[::-1].copy(), 3), (1.5 * SPECTRUM, 64)],
)
def test_anisotropic_against_simulation(variances, size):
    """Hundreds of simulated codebooks agree within four standard errors of both."""
    rng = np.random.default_rng(5)
    means = []
    for _ in range(500):
        codewords = rng.standard_normal((size, 6)) * np.sqrt(variances)
        x = rng.standard_normal((200, 6)) * np.sqrt(SPECTRUM)
        means.append(((x[:, None] - codewords) ** 2).sum(axis=2).min(axis=1).mean())
    found = expected_distortion(SPECTRUM, variances, size)
    error = math.hypot(np.std(means) / math.sqrt(len(means)), found.standard_error)
    assert found.distortion == pytest.approx(np.mean(means), abs=4 * error)


def test_published_start_of_the_testbed():
    """Water-filled codewords on the four kept axes, K = 16: measured 3.306, standard deviation .25 over 12 seeds or more."""
    kept = SPECTRUM[:4]
    found = expected_distortion(kept, gaussian.reproduction_variances(kept, 4.0), 16)
    assert found.distortion == pytest.approx(3.306, abs=3 * 0.25 / math.sqrt(12))


def test_for_given_vectors():
    """Over many Gaussian vectors the mean is that of the source, within four standard errors; K = 1 is Σ x² + Σ s."""
    law = gaussian.reproduction_variances(SPECTRUM, 4.0)
    x = np.random.default_rng(2).standard_normal((1000, 6)) * np.sqrt(SPECTRUM)
    over, exact = expected_distortion_of(x, law, 16), expected_distortion(SPECTRUM, law, 16)
    assert over.distortion == pytest.approx(exact.distortion, abs=4 * math.hypot(over.standard_error, exact.standard_error))
    single = expected_distortion_of(x, law, 1).distortion
    assert single == pytest.approx((x**2).sum(axis=1).mean() + law.sum(), rel=1e-12)


def test_no_spread_is_the_mean():
    """Codewords without variance all sit on the mean; axes without source or codeword variance add what they hold."""
    assert expected_distortion(SPECTRUM, np.zeros(6), 16).distortion == pytest.approx(SPECTRUM.sum(), rel=1e-15)
    assert expected_distortion(SPECTRUM, SPECTRUM, 1).distortion == pytest.approx(2 * SPECTRUM.sum(), rel=1e-15)
    idle = expected_distortion([1.0, 1.0, 3.0, 0.0], [0.7, 0.7, 0.0, 0.0], 16).distortion
    assert idle == pytest.approx(3.0 + 2 * isotropic(2, 0.7, 16), rel=1e-12)


def test_falls_with_the_codebook_and_stays_above_the_floor():
    """More draws are nearer, and a random codebook is a codebook: the K-point floor is below."""
    sizes = [1, 2, 16, 2**10, 2**20]
    found = [4 * isotropic(4, 0.8, size) for size in sizes]
    assert (np.diff(found) < 0).all()
    assert all(radial.lower_bound(4, 1.0, size).distortion < d for size, d in zip(sizes, found, strict=True))


def test_thousands_of_dimensions():
    """In 4096 dimensions nothing overflows."""
    found = expected_distortion(np.full(4096, 3.0), np.full(4096, 0.03), 65536).distortion
    assert 3 * gaussian.distortion_rate(np.ones(4096), 16.0) < found < 3 * 4096 * 1.01


def test_scales_with_the_variances():
    """Three times both variances: three times the error."""
    assert expected_distortion([3.0, 3.0], [1.5, 1.5], 9).distortion == pytest.approx(
        3 * 2 * isotropic(2, 0.5, 9), rel=1e-12
    )


def test_best_gaussian_of_a_spectrum_beats_its_family():
    """On the testbed no known member, R(D), the source or Zador's, is expected to do better, to their standard errors."""
    best = best_gaussian(SPECTRUM, 16)
    assert best.variances[0] > best.variances[-1] >= 0
    for law in (gaussian.reproduction_variances(SPECTRUM, 4.0), SPECTRUM, 8 / 6 * SPECTRUM):
        other = expected_distortion(SPECTRUM, law, 16)
        assert best.distortion < other.distortion + 4 * math.hypot(best.standard_error, other.standard_error)


def test_same_seed_same_bits():
    """A seed fixes the answer; another seed moves it by a few standard errors at most."""
    one, again, other = (expected_distortion(SPECTRUM, SPECTRUM, 16, seed=seed) for seed in (0, 0, 1))
    assert one == again
    assert one.distortion != other.distortion
    assert one.distortion == pytest.approx(other.distortion, abs=5 * math.hypot(one.standard_error, other.standard_error))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: expected_distortion([1.0, 2.0], [1.0], 4), DataError, "variances"),
        (lambda: expected_distortion([1.0], [-1.0], 4), DataError, "negative"),
        (lambda: expected_distortion([1.0], [1.0], 0), UsageError, "codebook_size"),
        (lambda: expected_distortion([1.0, 2.0], [1.0, 2.0], 4, seed=-1), UsageError, "seed"),
        (lambda: expected_distortion_of([[1.0, 2.0]], [1.0, 1.0], 4), DataError, "at least 2 rows"),
        (lambda: expected_distortion_of([[1.0], [2.0]], [1.0, 1.0], 4), DataError, "2 coordinates"),
        (lambda: best_gaussian([1.0], 0), UsageError, "codebook_size"),
    ],
)
def test_mistakes_are_named(call, error, words):
    """Spectra of different length, negative variances, and what is no count or seed are refused in words that say which."""
    with pytest.raises(error, match=words):
        call()


def test_degenerate_sources_have_a_best_law_too():
    """One codeword, or a source without variance, is best served by the mean."""
    assert best_gaussian(SPECTRUM, 1).variances.tolist() == [0.0] * 6
    assert best_gaussian([0.0, 0.0], 8).distortion == 0.0
