"""Continuous sources on the line: the Gaussian closed form, the Shannon lower bound, a fine grid, exact sources."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from references import rate_distortion as reference
from zador.errors import UsageError
from zador.theory.bumps import Bumps
from zador.theory.line_source import curve, solve

ENTROPY = {"laplace": 0.5 * math.log2(2 * math.e**2), "uniform": 0.5 * math.log2(12)}
ROUNDING = 1e-9  # bits; what the quadrature changes is inside the bracket already


@pytest.mark.parametrize("slope", [0.8, 2.0, 10.0, 150.0])
def test_gaussian_closed_form_is_inside(slope):
    """R(D) = ½ log2(1 / D) lies in the bracket, which is at most 1e-3 bit wide; slopes 0.72 / D."""
    found = solve("gaussian", slope=slope)
    exact = 0.5 * math.log2(1 / found.distortion)
    assert found.rate_lower - ROUNDING <= exact <= found.rate_upper + ROUNDING
    assert found.gap <= 1e-3
    assert found.distortion == pytest.approx(0.5 / math.log(2) / slope, rel=0.05)


@pytest.mark.parametrize("name", ["laplace", "uniform"])
def test_curve_is_narrow_convex_and_above_shannon(name):
    """From low to high rate: brackets at most 1e-3 bit, above h - ½ log2(2πe D), and no point below another's tangent."""
    points = curve(name, 0.72 / np.array([0.9, 0.5, 0.2, 0.05, 0.01]))
    for a in points:
        assert a.gap <= 1e-3
        assert a.rate_upper >= ENTROPY[name] - 0.5 * math.log2(2 * math.pi * math.e * a.distortion)
        assert all(b.rate_upper >= a.rate_lower - a.slope * (b.distortion - a.distortion) - ROUNDING for b in points)


@pytest.mark.parametrize("name", ["laplace", "uniform"])
def test_fine_grid_agrees(name):
    """Plain iterations on a grid of the source, with their own bounds, agree up to the error of the grid.

    Moving the source to the middle of cells of width h changes E(X - y)² by at most h² / 12 + 2 E|bias|, below 2e-3 here.
    """
    reach = math.sqrt(3) if name == "uniform" else 9.0
    count = 400
    grid = reach * ((2 * np.arange(count) + 1) / count - 1)
    p = np.ones(count) if name == "uniform" else np.exp(-math.sqrt(2) * np.abs(grid))
    p /= p.sum()
    slope = 3.0
    lower, upper, distortion = reference.plain_blahut(p, (grid[:, None] - grid) ** 2, slope * math.log(2), 1500)
    found = solve(name, slope=slope)
    line = found.rate_lower + slope * found.distortion
    assert lower / math.log(2) + slope * distortion <= line + 1e-3 + slope * 2e-3
    assert upper / math.log(2) + slope * distortion >= line - slope * 2e-3


def test_exact_source():
    """X = Y + N(0, θ) with Y = ±1 has at slope 1 / (2 θ) nats the law of Y as reproduction: D = θ, R = h(X) - h(N)."""
    theta = 0.25
    x, step = np.linspace(-8, 8, 160001, retstep=True)
    pdf = 0.5 * (stats.norm.pdf(x, -1, 0.5) + stats.norm.pdf(x, 1, 0.5))
    exact = float(-(pdf * np.log2(np.maximum(pdf, 1e-300))).sum() * step) - 0.5 * math.log2(2 * math.pi * math.e * theta)
    found = solve(_TwoBumps(), slope=1 / (2 * theta * math.log(2)))
    line = exact + found.slope * theta
    assert found.rate_lower + found.slope * found.distortion <= line + ROUNDING
    assert found.rate_upper + found.slope * found.distortion >= line - ROUNDING
    assert found.gap <= 1e-3


class _TwoBumps:
    def pdf(self, x):
        return 0.5 * (stats.norm.pdf(x, -1, 0.5) + stats.norm.pdf(x, 1, 0.5))

    def cdf(self, x):
        return 0.5 * (stats.norm.cdf(x, -1, 0.5) + stats.norm.cdf(x, 1, 0.5))

    def sf(self, x):
        return self.cdf(-np.asarray(x))

    def ppf(self, q):
        low, high = np.full(np.shape(q), -12.0), np.full(np.shape(q), 12.0)
        for _ in range(80):
            middle = 0.5 * (low + high)
            below = self.cdf(middle) < q
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return 0.5 * (low + high)

    def mean(self):
        return 0.0

    def var(self):
        return 1.25


def test_units():
    """Shifted and scaled, the source has the same rate at a distortion scaled by the variance."""
    plain, moved = solve("gaussian", slope=4.0), solve(stats.norm(7, 10), slope=0.04)
    assert moved.distortion == pytest.approx(100 * plain.distortion, rel=1e-3)
    assert moved.rate_upper == pytest.approx(plain.rate_upper, abs=2e-3)
    assert moved.weights @ moved.atoms == pytest.approx(7.0, abs=0.1)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_supremum_is_above_every_value(dim):
    """The bound exceeds ln c at random places and at climbed modes, and is as near to the best of them as asked."""
    rng = np.random.default_rng(dim)
    bumps = Bumps(rng.normal(size=(40, dim)), np.log(rng.dirichlet(np.ones(40))), 3.0)
    best, bound = bumps.supremum(1e-3, 1e9)
    climbed = bumps.climb(bumps.points, 300)[1].max()
    assert best <= bound <= best + 1e-3
    assert bumps.log_c(rng.normal(size=(2000, dim))).max() <= bound
    assert best - 1e-3 <= climbed <= bound


def test_spent_budget_leaves_a_true_bound():
    """With no budget left the bound is loose, and still a bound."""
    rng = np.random.default_rng(5)
    bumps = Bumps(rng.normal(size=(40, 2)), np.log(np.full(40, 1 / 40)), 3.0)
    assert bumps.supremum(1e-6, 1e4)[1] >= bumps.supremum(1e-3, 1e9)[0]


@pytest.mark.parametrize(
    "arguments", [{"slope": 0.0}, {"slope": -1.0}, {"slope": math.nan}, {"slope": 1.0, "tolerance": 0.0}]
)
def test_wrong_arguments(arguments):
    """A slope or tolerance that is not positive is refused."""
    with pytest.raises(UsageError, match="positive"):
        solve("gaussian", **arguments)
