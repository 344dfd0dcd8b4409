"""Random codebooks against the error that is expected of them, and the law they are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from references.random_codebook import expected_distortion
from zador.errors import DataError, UsageError
from zador.quantizers import ProductQuantizer, VectorQuantizer, fit_random
from zador.theory import gaussian

# E D / d of a Gaussian codebook of the R(D) variance for N(0, I_d), printed from exact quadrature.
PRINTED = {(1, 8): 0.1631, (2, 8): 0.3652, (4, 16): 0.4522, (4, 64): 0.2426}


def white(seed, count, dim):
    """N(0, I) of which mean and covariance are exact."""
    x = np.random.default_rng(seed).standard_normal((count, dim))
    x -= x.mean(axis=0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T, bias=True).reshape(dim, dim))).T


def errors_of_seeds(x, seeds, **request):
    found = []
    for seed in range(seeds):
        quantizer = fit_random(x, seed=seed, **request)
        found.append(((x - quantizer.decode(quantizer.encode(x))) ** 2).sum(axis=1).mean())
    return np.array(found)


@pytest.mark.parametrize(("dim", "size"), PRINTED)
def test_the_expected_error_is_the_printed_one(dim, size):
    """The quadrature that other tests lean on gives the printed figures."""
    variance = 1 - size ** (-2 / dim)
    assert expected_distortion(dim, size, variance) / dim == pytest.approx(PRINTED[dim, size], abs=6e-5)


@pytest.mark.parametrize(("dim", "bits"), [(2, 3), (4, 4), (4, 6)])
def test_a_random_codebook_does_what_is_expected(dim, bits):
    """Over 60 seeds the mean error is the expected one, within four standard errors."""
    x = white(0, 4000, dim)
    errors = errors_of_seeds(x, 60, bits=bits)
    expected = expected_distortion(dim, 2**bits, 1 - 2.0 ** (-2 * bits / dim))
    # Mean and covariance of x are exact; higher moments of 4000 vectors leave half a percent.
    assert abs(errors.mean() - expected) < 4 * errors.std() / np.sqrt(60) + 0.005 * expected


def test_slices_add_up():
    """Beyond `slice_bits` each of two slices of four axes does what a random codebook of half the bits does."""
    x = white(0, 3000, 8)
    errors = errors_of_seeds(x, 40, bits=8, slice_bits=4)
    expected = 2 * expected_distortion(4, 16, 0.75)
    assert abs(errors.mean() - expected) < 4 * errors.std() / np.sqrt(40) + 0.005 * expected


def test_one_codebook_is_drawn_from_the_law_of_shannon():
    """Codewords have the mean of the data, variance λ - θ on its axes, and none on those below the water level."""
    variances = np.array([9.0, 4.0, 1.0, 0.01])
    x = white(0, 2000, 4) * np.sqrt(variances) + 7.0
    quantizer = fit_random(x, bits=5.5)
    assert isinstance(quantizer, VectorQuantizer)
    assert quantizer.codewords.shape == (45, 4)
    assert quantizer.origin == {"target_bits": 5.5, "seed": 0}
    drawn = np.concatenate([fit_random(x, bits=5.5, seed=seed).codewords for seed in range(200)])
    law = gaussian.reproduction_variances(variances, 5.5)
    np.testing.assert_allclose(drawn.mean(axis=0), 7.0, atol=4 * 3 / np.sqrt(len(drawn)))
    np.testing.assert_allclose(drawn.var(axis=0), law, rtol=4 * np.sqrt(2 / len(drawn)), atol=1e-12)
    assert law[3] == 0.0


def test_slices_share_axes_and_bits():
    """Whole bits add up to those asked for, rounded down; no slice has more than allowed; weak axes are in none."""
    x = white(0, 2000, 10) * np.sqrt(np.geomspace(4, 1e-4, 10))
    quantizer = fit_random(x, bits=21.7, slice_bits=6)
    assert isinstance(quantizer, ProductQuantizer)
    shares = np.log2(quantizer.sizes)
    assert shares.sum() == 21
    assert shares.max() <= 6
    assert len(shares) == 4
    level = gaussian.water_level(np.geomspace(4, 1e-4, 10), 21.0)
    assert quantizer.frame.directions.shape == (10, np.count_nonzero(np.geomspace(4, 1e-4, 10) > level))
    for codebook, share in zip(quantizer.codebooks, shares, strict=True):
        assert len(codebook) == 2**share
    better, worse = (
        errors_of_seeds(x, 5, bits=21, slice_bits=most).mean() / gaussian.distortion_rate(np.geomspace(4, 1e-4, 10), 21.0)
        for most in (11, 3)
    )
    assert 1 < better < worse


def test_the_codewords_are_kept_not_the_seed():
    """Another seed gives other codewords; the same one the same."""
    x = white(0, 500, 3)
    first, same, other = (fit_random(x, bits=4, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.codewords, same.codewords)
    assert (first.codewords != other.codewords).all()


def test_impossible_requests_are_refused():
    """A rate that is none, slices without axes, seeds and sizes that are none, vectors that are all alike."""
    x = white(0, 500, 3)
    with pytest.raises(UsageError, match="bits: expected a positive, finite number"):
        fit_random(x, bits=-2)
    with pytest.raises(UsageError, match=r"slices of slice_bits=4 takes 5 axes worth a bit, x has 3; raise slice_bits to 7"):
        fit_random(x, bits=20, slice_bits=4)
    with pytest.raises(UsageError, match="slice_bits"):
        fit_random(x, bits=2, slice_bits=0)
    with pytest.raises(UsageError, match="seed"):
        fit_random(x, bits=2, seed=1.5)
    with pytest.raises(DataError, match="at least two different vectors"):
        fit_random(np.zeros((9, 2)), bits=1)
