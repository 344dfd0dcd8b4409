"""Entropy-coded scalar quantizers: closed forms, a slow reference, and their place above R(D)."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import optimize, stats

from references import threshold_quantizer
from zador.errors import DataError, UsageError
from zador.theory.differential_entropy import of_density
from zador.theory.entropy_coded import HIGH_RATE_EXCESS_BITS, at_rate, curve, entropy_constrained, uniform_threshold
from zador.theory.scalar import lloyd_max
from zador.theory.shannon import rate_distortion

NAMES = ["gaussian", "laplace", "uniform", "logistic"]
PLAIN = {"gaussian": stats.norm(), "laplace": stats.laplace(scale=math.sqrt(0.5))}


def excess(point):
    """Bits above the Gaussian's R(D) at unit variance."""
    return point.rate_bits - 0.5 * math.log2(1 / point.distortion)


@pytest.mark.parametrize(("bits", "printed", "rounding"), [(0.1, 0.03, 5e-3), (1.0, 0.24, 5e-3), (4.0, 0.2546, 5e-5)])
def test_printed_excess(bits, printed, rounding):
    """A Gaussian: .03 bit at .1 bit, .24 at 1, .2546 at high rate."""
    assert excess(at_rate("gaussian", bits)) == pytest.approx(printed, abs=rounding)


def test_published_point():
    """LTC's estimate (1.0619, .3232) for N(0, 1), with a tolerance of 2 %: the optimum is a little below."""
    assert at_rate("gaussian", 1.0619).distortion == pytest.approx(0.3232, rel=0.02)
    assert at_rate("gaussian", 1.0619).distortion < 0.3232


@pytest.mark.parametrize("density", [*NAMES, stats.expon(), stats.gamma(3)], ids=[*NAMES, "expon", "gamma"])
def test_high_rate_excess(density):
    """Where D is small the excess over Shannon's bound, ½ log2(2πe/12), is reached: to 2 % of a bit at 5 bits or more."""
    scale = 1.0 if isinstance(density, str) else density.var()
    found = entropy_constrained(density, scale * 2e-3)
    over = found.entropy_bits - rate_distortion(of_density(density), 1, found.distortion)
    assert over == pytest.approx(HIGH_RATE_EXCESS_BITS, abs=0.02)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("step", [0.3, 1.0, 2.5])
def test_equal_cells_against_quadrature(name, step):
    """Rate and distortion of the uniform threshold quantizer are the integrals over its cells."""
    bits, distortion = threshold_quantizer.uniform(step, PLAIN[name])
    got = uniform_threshold(name, step)
    assert got.entropy_bits == pytest.approx(bits, abs=1e-9)
    assert got.distortion == pytest.approx(distortion, abs=1e-9)


@pytest.mark.parametrize("levels", [2, 3, 8])
def test_uniform_density_is_cut_evenly(levels):
    """N equal cells: log2 N bits, distortion N^-2; uniform_threshold, and the optimum at that rate."""
    point = at_rate("uniform", math.log2(levels))
    assert point.distortion == pytest.approx(levels**-2, rel=1e-9)


def test_laplace_optimum_has_equal_steps():
    """Sullivan: all cells but the middle one and the last are equally wide, by memorylessness."""
    found = entropy_constrained("laplace", 0.2)
    right = found.thresholds[found.thresholds > 0][:8]
    assert np.diff(right) == pytest.approx(np.full(7, right[1] - right[0]), rel=1e-5)
    levels = found.levels[found.levels > right[0]][:6] - right[:6]
    assert levels == pytest.approx(np.full(6, levels[0]), rel=1e-5)


@pytest.mark.parametrize("name", ["gaussian", "laplace"])
@pytest.mark.parametrize("multiplier", [0.9, 0.4])
def test_no_search_over_thresholds_does_better(name, multiplier):
    """Nelder-Mead over nine symmetric or free thresholds, started elsewhere, ends at the same D + μH or above."""
    source = PLAIN[name]

    def cost(t):
        edges = np.concatenate([[-np.inf], np.sort(t), [np.inf]])
        total = 1.0
        for a, b in pairwise(edges):
            mass = source.cdf(b) - source.cdf(a)
            if mass > 1e-300:
                total -= _moment(name, a, b) ** 2 / mass + multiplier * mass * math.log2(mass)
        return total

    best = entropy_constrained(name, multiplier)
    claimed = best.distortion + multiplier * best.entropy_bits
    for start in (np.linspace(-4, 4, 6), np.array([-2.0, -0.7, 0.7, 2.0]), np.array([0.0, 1.5]), np.array([1.8])):
        found = optimize.minimize(
            cost, start, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-12, "xatol": 1e-8}
        )
        assert claimed <= found.fun + 1e-9


def _moment(name, a, b):
    if name == "gaussian":
        return stats.norm.pdf(a) - stats.norm.pdf(b)
    s = math.sqrt(0.5)

    def below(t):
        return 0.0 if math.isinf(t) else -0.5 * (abs(t) + s) * math.exp(-abs(t) / s)

    return below(b) - below(a)


@pytest.mark.parametrize("name", NAMES)
def test_stationary(name):
    """Levels are means of their cells: E q(X) = 0 and Var q + D = 1; each threshold costs the same on both sides."""
    mu = 0.05
    best = entropy_constrained(name, mu)
    assert best.probabilities.sum() == pytest.approx(1.0, abs=1e-12)
    assert best.probabilities @ best.levels**2 + best.distortion == pytest.approx(1.0, abs=1e-12)
    heavy = np.minimum(best.probabilities[:-1], best.probabilities[1:]) > 1e-4
    left = (best.thresholds - best.levels[:-1]) ** 2 - mu * np.log2(best.probabilities[:-1])
    right = (best.levels[1:] - best.thresholds) ** 2 - mu * np.log2(best.probabilities[1:])
    assert left[heavy] == pytest.approx(right[heavy], abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_curve_is_convex_and_in_order(name):
    """Rates rise, distortions fall, slopes are within the multipliers; above Shannon's bound; below equal cells."""
    multipliers = np.geomspace(1.0, 0.01, 9)
    points = curve(name, multipliers)
    rates, errors = np.array([p.rate_bits for p in points]), np.array([p.distortion for p in points])
    assert (np.diff(rates) >= -1e-9).all()
    for i, mu in enumerate(multipliers):  # each point is the best of all for its own multiplier
        assert errors[i] + mu * rates[i] <= (errors + mu * rates).min() + 1e-9
        equal = uniform_threshold(name, math.sqrt(6 * mu / math.log(2)))
        assert errors[i] + mu * rates[i] <= equal.distortion + mu * equal.entropy_bits + 1e-12
    h = of_density(name)
    assert all(p.rate_bits >= rate_distortion(h, 1, p.distortion) - 1e-9 for p in points)


@pytest.mark.parametrize("levels", [2, 4, 16])
def test_better_than_lloyd_max_at_its_entropy(levels):
    """At the entropy of Lloyd-Max's index an entropy coder allows less distortion."""
    fixed = lloyd_max("gaussian", levels)
    assert at_rate("gaussian", fixed.entropy_bits).distortion < fixed.distortion


def test_location_and_scale():
    """N(3, 2²) has four times the distortion at a rate, and levels moved along."""
    one, other = entropy_constrained("gaussian", 0.1), entropy_constrained(stats.norm(3, 2), 0.4)
    assert other.distortion == pytest.approx(4 * one.distortion, rel=1e-7)
    assert other.entropy_bits == pytest.approx(one.entropy_bits, abs=1e-7)
    assert at_rate(stats.norm(3, 2), 0.0).distortion == 4.0


def test_no_bit_is_worth_a_high_price():
    """Beyond 2 ln 2 per bit, the slope of a Gaussian's D(R) at no rate, one level is left."""
    assert len(entropy_constrained("gaussian", 1.4).levels) == 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: entropy_constrained("gaussian", 0.0), UsageError, "multiplier"),
        (lambda: uniform_threshold("gaussian", math.nan), UsageError, "step"),
        (lambda: at_rate("gaussian", -1.0), UsageError, "bits"),
        (lambda: curve("cauchy", [1.0]), UsageError, "unknown name"),
        (lambda: uniform_threshold("gaussian", 1e-5), DataError, "65536"),
    ],
)
def test_mistakes_are_named(call, error, words):
    """Prices, steps and rates are positive and finite; a step that needs too many cells is refused."""
    with pytest.raises(error, match=words):
        call()
