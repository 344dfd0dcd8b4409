"""Sandwich of a sample: the truth of Gaussian sources inside, laws of the band, and the law fitted against a fine grid."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zador.errors import DataError, NonFiniteError, UsageError
from zador.theory.blahut_arimoto import SquaredError, solve
from zador.theory.free_support import fit_law
from zador.theory.gaussian import rate_distortion
from zador.theory.sandwich import sandwich


@pytest.fixture(scope="module")
def band():
    x = np.random.default_rng(0).normal(size=(1500, 1))
    return sandwich(x, distortions=[0.5, 0.25, 0.1], seed=0)


def test_line_holds_the_gaussian(band):
    """With confidence 0.97 for three slopes, the closed form lies in the band, at the slopes and between."""
    assert band.certified
    assert band.simultaneous_confidence == pytest.approx(0.97)
    for distortion in (0.12, 0.2, 0.4, 0.7, 0.95):
        exact = 0.5 * math.log2(1 / distortion)
        assert band.lower(distortion) <= exact <= band.upper(distortion)
    for each in band.sandwiches:
        theta = 0.5 / (each.slope * math.log(2))
        assert each.lower <= 0.5 * math.log2(1 / theta) + each.slope * theta <= each.upper
        assert each.train <= each.held_out


def test_band_is_ordered_and_decreasing(band):
    """Both edges fall with distortion; the lower stays below the upper; beyond the variance the rate is 0."""
    rows = band.curve(40)
    assert rows.shape == (40, 3)
    assert (np.diff(rows[:, 0]) > 0).all()
    assert (np.diff(rows[:, 1:], axis=0) <= 1e-12).all()
    assert (rows[:, 1] <= rows[:, 2]).all()
    assert band.upper(10.0) == 0.0
    assert band.upper(1e-9) == math.inf
    assert "proven" in str(band)


def test_same_seed_same_band():
    """The same seed gives the same numbers, another seed others."""
    x = np.random.default_rng(1).normal(size=(120, 2))
    one, again, other = (sandwich(x, slopes=[1.0], batches=2, seed=seed) for seed in (3, 3, 4))
    assert one == again
    assert one != other


def test_fitted_law_matches_a_fine_grid():
    """On 200 points of the line the free law reaches the certified optimum of a grid of 2000 reproductions."""
    x = np.random.default_rng(2).normal(size=(200, 1))
    grid = np.linspace(x.min(), x.max(), 2000)[:, None]
    p = np.full(200, 1 / 200)
    law = fit_law(x, p, 4.0, tolerance=1e-4, start=x)
    found = solve(p, SquaredError(x, grid), slope=4.0 / math.log(2), tolerance=1e-7)
    line = (found.rate_upper + found.slope * found.distortion) * math.log(2)
    # The grid has no atom within h / 2 of the best place: at most s h² / 4 nats, 4e-6.
    h = float(grid[1, 0] - grid[0, 0])
    assert law.certified
    assert law.lower <= line + 1e-9
    assert law.value >= line - 1e-9 - 4.0 * h * h / 4
    assert law.log_supremum <= 2e-4


def test_law_evaluates_as_written():
    """-ln Z and the error of the channel are those of the sums written out."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(30, 3))
    law = fit_law(x, np.full(30, 1 / 30), 1.5, tolerance=1e-3, start=x)
    y = rng.normal(size=(7, 3))
    squares = ((y[:, None] - law.atoms) ** 2).sum(axis=2)
    kernel = law.weights * np.exp(-1.5 * squares)
    value, error = law.evaluate(y)
    assert value == pytest.approx(-np.log(kernel.sum(axis=1)), rel=1e-10)
    assert error == pytest.approx((kernel * squares).sum(axis=1) / kernel.sum(axis=1), rel=1e-9)


@pytest.mark.long
def test_four_dimensions_hold_the_truth():
    """A sandwich of 8,000 vectors of N(0, I_4) contains the exact line at R = 2 and at R = 4 bits."""
    x = np.random.default_rng(1).normal(size=(8000, 4))
    band = sandwich(x, distortions=[2.0, 1.0], seed=0)
    assert not band.certified
    for each, bits in zip(band.sandwiches, (2.0, 4.0), strict=True):
        distortion = 4 * 2 ** (-bits / 2)
        exact = bits + each.slope * distortion
        assert each.lower <= exact <= each.upper
        assert band.lower(distortion) <= rate_distortion(np.ones(4), distortion)
        assert band.upper(each.distortion_limit) >= rate_distortion(np.ones(4), each.distortion_limit)


@pytest.mark.parametrize(
    ("x", "asked", "error", "message"),
    [
        (np.zeros((200, 2)), {}, DataError, "equal"),
        (np.ones((30, 2)), {}, DataError, "at least 100 vectors"),
        (np.full((200, 2), np.nan), {}, NonFiniteError, "NaN"),
        (np.eye(200), {"slopes": [1.0], "distortions": [1.0]}, UsageError, "not more than one"),
        (np.eye(200), {"slopes": [0.0]}, UsageError, "positive"),
        (np.eye(200), {"confidence": 1.0}, UsageError, "confidence"),
    ],
)
def test_wrong_arguments(x, asked, error, message):
    """Each mistake gets one line that says what was asked and what to do."""
    with pytest.raises(error, match=message):
        sandwich(x, **asked)
