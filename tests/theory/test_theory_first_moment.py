"""The tabulated first moment: closed forms across kinks, jumps and tails."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from zador.errors import DataError
from zador.theory.densities import standardise
from zador.theory.first_moment import FirstMoment, log_odds_grid

# Panels stop halving at 1e-13 of their own value, and a few thousand roundings of numbers below 1 add up.
TOLERANCE = 2e-13


def test_across_a_kink():
    """A triangle with its peak off every quantile of the grid: the cubic antiderivative on either side."""
    low, peak, high = -1.1, -0.3, 1.4  # their mean is 0

    def exact(x):
        x = np.clip(x, low, high)
        left, right = np.minimum(x, peak), np.maximum(x, peak)
        up = (left**3 - low**3) / 3 - low * (left**2 - low**2) / 2
        down = high * (right**2 - peak**2) / 2 - (right**3 - peak**3) / 3
        return 2 / (high - low) * (up / (peak - low) + down / (high - peak))

    triangle = stats.triang((peak - low) / (high - low), low, high - low)
    x = np.linspace(-1.2, 1.5, 500)
    assert FirstMoment(triangle.pdf, triangle.ppf)(x) == pytest.approx(exact(x), abs=TOLERANCE)


def test_across_jumps():
    """Two boxes of different heights: a parabola in each."""
    density = stats.rv_histogram((np.array([1.0, 3.0]), np.array([-5 / 3, -1 / 3, 1.0])), density=False)
    x = np.linspace(-2, 1.5, 500)
    left, right = np.clip(x, -5 / 3, -1 / 3), np.clip(x, -1 / 3, 1.0)
    exact = 3 / 16 * (left**2 - 25 / 9) / 2 + 9 / 16 * (right**2 - 1 / 9) / 2
    assert FirstMoment(density.pdf, density.ppf)(x) == pytest.approx(exact, abs=TOLERANCE)


def test_far_into_heavy_tails():
    """Student's t with 3 degrees of freedom: -(3/2) c (1 + x²/3)^-1 with c its height at 0, out to 10^9."""
    density = stats.t(3)
    x = np.concatenate([-np.geomspace(1e9, 1e-3, 200), np.geomspace(1e-3, 1e9, 200)])
    exact = -1.5 * density.pdf(0.0) / (1 + x**2 / 3)
    # Relative even where it is 1e-18, because each half is summed from its own end; panels are halved to 1e-16 only.
    assert FirstMoment(density.pdf, density.ppf)(x) == pytest.approx(exact, rel=1e-9, abs=0)


def test_gaussian_in_both_tails():
    """It is -φ(x), out to 8 standard deviations."""
    x = np.linspace(-8, 8, 321)
    assert FirstMoment(stats.norm.pdf, stats.norm.ppf)(x) == pytest.approx(-stats.norm.pdf(x), abs=TOLERANCE)


def test_standardised_units():
    """An object is seen from its mean in units of its deviation, and a skewed one is not taken for symmetric."""
    gamma = standardise(stats.gamma(4.0, scale=0.5))
    assert (gamma.mean, gamma.scale, gamma.symmetric) == (2.0, 1.0, False)
    assert standardise(stats.laplace(5, 3)).symmetric
    assert gamma.density.cdf(np.array([0.0]))[0] == pytest.approx(stats.gamma(4.0).cdf(4.0), rel=1e-14)


def test_the_grid_is_fine_in_both_tails():
    """1025 quantiles, from 2e-9 to 1 - 2e-9, an equal step of log-odds apart."""
    grid = log_odds_grid(stats.logistic.ppf)
    assert len(grid) == 1025
    assert np.diff(grid) == pytest.approx(40 / 1024, abs=2e-7)  # eps / 2e-9 is how well 1 - 2e-9 is known


def test_an_infinite_density_is_refused():
    """An endpoint at which the density is infinite cannot be integrated by panels, and is not guessed."""
    with pytest.raises(DataError, match="bounded"):
        FirstMoment(lambda x: np.where(np.abs(x) < 1e-3, math.inf, 1.0), lambda q: q - 0.5)
