"""Simplex codebooks: known values, simulation, and the two codewords that nobody beats."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from zador.errors import DataError, UsageError
from zador.theory.kpoint import radial, simplex

EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize(
    ("count", "exact"),
    [
        (1, 0.0),
        (2, 1 / math.sqrt(math.pi)),
        (3, 3 / (2 * math.sqrt(math.pi))),
        (4, 6 / math.pi**1.5 * math.atan(math.sqrt(2))),
        (5, 5 / (4 * math.sqrt(math.pi)) * (1 + 6 / math.pi * math.asin(1 / 3))),
    ],
)
def test_expected_maximum_in_closed_form(count, exact):
    """Up to five normals the expected maximum is known in closed form (David and Nagaraja's order statistics)."""
    assert simplex.expected_maximum(count) == pytest.approx(exact, rel=0, abs=1e-12)


def test_expected_maximum_of_many():
    """A thousand normals: simulation by the quantile of a uniform maximum agrees within four standard errors."""
    from scipy.special import ndtri

    draws = ndtri(np.random.default_rng(0).random(200_000) ** (1 / 1000))
    error = draws.std() / math.sqrt(len(draws))
    assert simplex.expected_maximum(1000) == pytest.approx(draws.mean(), abs=4 * error)


@pytest.mark.parametrize(("size", "explained"), [(2, 2 / math.pi), (3, 27 / (8 * math.pi)), (4, 1.41282), (5, 1.69061)])
def test_known_values(size, explained):
    """What 2 to 5 corners explain, from the theory notes, section 2.7: exactly or to five digits."""
    assert simplex.distortion(6, 1.0, size) == pytest.approx(6 - explained, abs=5e-6)


@pytest.mark.parametrize(("dim", "size"), [(2, 3), (3, 4), (6, 4), (5, 6)])
def test_simulated(dim, size):
    """A simplex built from coordinates, at its best radius, does what the formula says, within four standard errors."""
    corners = np.eye(size) - 1 / size
    basis = np.linalg.svd(corners)[2][: size - 1]
    codewords = np.zeros((size, dim))
    codewords[:, : size - 1] = corners @ basis.T
    x = np.random.default_rng(1).standard_normal((300_000, dim))
    along = (x @ codewords.T).max(axis=1) / np.linalg.norm(codewords[0])
    codewords *= along.mean() / np.linalg.norm(codewords[0])
    error = ((x[:, None] - codewords) ** 2).sum(axis=2).min(axis=1)
    assert simplex.distortion(dim, 1.0, size) == pytest.approx(error.mean(), abs=4 * error.std() / math.sqrt(len(x)))


@pytest.mark.parametrize("dim", [1, 2, 3, 6])
def test_floor_is_below(dim):
    """The K-point floor lies below the simplex, which is a codebook, and within 4 % of it."""
    for size in range(1, dim + 2):
        best = simplex.distortion(dim, 2.0, size)
        assert 0.96 * best < radial.lower_bound(dim, 2.0, size).distortion <= best * (1 + 4 * EPS)


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=6), st.floats(-3.0, 3.0), st.integers(0, 2**32 - 1))
def test_no_half_space_explains_more(spectrum, offset, seed):
    """Any half-space {u·x > t σ_u} with its two means as codewords leaves at least tr Σ - (2/π) λ_1."""
    direction = np.random.default_rng(seed).standard_normal(len(spectrum))
    direction /= np.linalg.norm(direction)
    covariance = np.array(spectrum)
    # E[X | u·X > t] = Σu φ(t) / (σ Φ(-t)); the two means explain |Σu|² / σ² φ² / (Φ (1 - Φ)).
    variance = float(direction**2 @ covariance)
    shift = float(((covariance * direction) ** 2).sum()) / variance if variance > 0 else 0.0
    density = math.exp(-0.5 * offset**2) / math.sqrt(2 * math.pi)
    left = sum(spectrum) - shift * density**2 / float(ndtr(offset) * ndtr(-offset))
    assert simplex.two_points(spectrum) <= left + 1e-12 * sum(spectrum)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: simplex.distortion(2, 1.0, 4), UsageError, "at most 3"),
        (lambda: simplex.distortion(0, 1.0, 1), UsageError, "dim"),
        (lambda: simplex.distortion(2, -1.0, 2), UsageError, "variance"),
        (lambda: simplex.expected_maximum(0), UsageError, "count"),
        (lambda: simplex.two_points([-1.0]), DataError, "negative"),
    ],
)
def test_mistakes_are_named(call, error, words):
    """More corners than the space holds, and what is no count or variance, are refused."""
    with pytest.raises(error, match=words):
        call()
