"""Linear encoders of a Gaussian: dropped, misaligned, coded; and that principal axes are the best."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zador.errors import DataError, UsageError
from zador.theory.gaussian import distortion_rate, water_level
from zador.theory.linear_encoder import encoded, principal

TESTBED = np.geomspace(4, 0.25, 6)


def random_covariance(dim, rng, rank=None):
    """A covariance with a Wishart's spread of eigenvalues."""
    factor = rng.standard_normal((dim, rank or dim + 2))
    return factor @ factor.T


@pytest.mark.parametrize(("bits", "printed"), [(3, 3.1476), (4, 2.4264), (5, 1.9164), (6, 1.5558)])
def test_printed_ladder(bits, printed):
    """Dropped energy plus the four leading axes' D(R), to the printed decimals."""
    assert principal(TESTBED, 4).distortion_rate(bits) == pytest.approx(printed, abs=5e-5)
    assert principal(TESTBED, 4).dropped == pytest.approx(0.68528, abs=5e-6)


@pytest.mark.parametrize("dim", [1, 3, 4])
def test_conditional_mean_by_the_textbook_formula(dim):
    """The spectrum is that of Σ Wᵀ (W Σ Wᵀ)⁻¹ W Σ, and floor is what regression on z leaves."""
    rng = np.random.default_rng(dim)
    covariance, matrix = random_covariance(5, rng), rng.standard_normal((dim, 5))
    gain = covariance @ matrix.T @ np.linalg.inv(matrix @ covariance @ matrix.T)
    expected = np.linalg.eigvalsh(gain @ matrix @ covariance)[::-1]
    result = encoded(covariance, matrix)
    assert result.spectrum == pytest.approx(expected[:dim], rel=1e-9)
    assert result.floor == pytest.approx(np.trace(covariance) - expected.sum(), rel=1e-9)


def test_principal_axes_lose_nothing_more():
    """Any basis of the leading eigenvectors' span, of any scale, has misalignment 0 and the leading spectrum."""
    rng = np.random.default_rng(0)
    covariance = random_covariance(6, rng)
    values, vectors = np.linalg.eigh(covariance)
    mixed = rng.standard_normal((3, 3)) @ vectors[:, 3:].T * 1e-7
    result = encoded(covariance, mixed)
    assert result.misalignment == pytest.approx(0.0, abs=1e-12 * values.sum())
    assert result.spectrum == pytest.approx(values[:2:-1], rel=1e-9)
    assert result.distortion_rate(4.0) == pytest.approx(principal(covariance, 3).distortion_rate(4.0), rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_no_encoder_beats_the_principal_axes(seed):
    """At every rate; and both stay above D(R) of the whole source."""
    rng = np.random.default_rng(seed)
    covariance = random_covariance(6, rng)
    result, best = encoded(covariance, rng.standard_normal((3, 6))), principal(covariance, 3)
    assert result.misalignment > 0
    assert (result.spectrum <= best.spectrum).all()
    for bits in (0.0, 1.0, 5.0, 20.0):
        assert distortion_rate(np.linalg.eigvalsh(covariance), bits) <= best.distortion_rate(bits) * (1 + 1e-12)
        assert best.distortion_rate(bits) <= result.distortion_rate(bits) * (1 + 1e-12)


def test_no_loss_while_the_level_is_above_the_dropped_axes():
    """On the testbed the encoder costs nothing up to 4 bits and 0.017 at 5."""
    for bits in (1.0, 4.0):
        assert water_level(TESTBED, bits) >= TESTBED[4]
        assert principal(TESTBED, 4).distortion_rate(bits) == pytest.approx(distortion_rate(TESTBED, bits), rel=1e-14)
    assert principal(TESTBED, 4).distortion_rate(5.0) - distortion_rate(TESTBED, 5.0) == pytest.approx(0.017, abs=5e-4)


def test_repeated_and_blind_rows_add_nothing():
    """A row that repeats another, or sees only a constant coordinate, leaves a zero in the spectrum."""
    result = encoded([4.0, 1.0, 0.0], [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 5.0]])
    assert result.spectrum == pytest.approx([4.0, 0.0, 0.0], rel=1e-14)
    assert (result.dropped, result.misalignment) == (0.0, pytest.approx(1.0, rel=1e-14))


def test_rate_of_the_distortion_is_the_rate():
    """R(D(R)) = R above the floor; below it no rate is enough."""
    result = encoded(np.diag([4.0, 2.0, 1.0]), [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert result.rate_distortion(result.distortion_rate(3.0)) == pytest.approx(3.0, rel=1e-12)
    assert result.rate_distortion(0.9 * result.floor) == math.inf
    with pytest.raises(UsageError, match="distortion"):
        result.rate_distortion(-1.0)


@pytest.mark.parametrize("matrix", [np.ones((2, 2)), np.ones((4, 3)), np.ones((0, 3))])
def test_mistakes_are_named(matrix):
    """W has as many columns as the source has coordinates, and not more rows."""
    with pytest.raises(DataError, match="encoder"):
        encoded(np.eye(3), matrix)
    with pytest.raises(UsageError, match="at most"):
        principal([1.0, 1.0], 3)
