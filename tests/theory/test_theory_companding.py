"""Panter-Dite, Bennett and point densities: closed forms, order, and what large N tends to."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import beta, gamma

from zador.errors import DataError, UsageError
from zador.theory.companding import bennett, gaussian_point_density, panter_dite, point_density
from zador.theory.scalar import lloyd_max

OBJECTS = [stats.expon(), stats.gamma(2.5), stats.lognorm(1.0), stats.t(3), stats.triang(0.3), stats.norm(-7, 0.01)]


def student_norm(nu):
    """(∫ p^(1/3))³ of Student's t: a beta function."""
    height = gamma((nu + 1) / 2) / math.sqrt(nu * math.pi) / gamma(nu / 2)
    return (height ** (1 / 3) * math.sqrt(nu) * beta(0.5, (nu + 1) / 6 - 0.5)) ** 3


@pytest.mark.parametrize(
    ("density", "expected"),
    [
        ("gaussian", math.pi * math.sqrt(3) / 2),
        ("laplace", 4.5),
        ("uniform", 1.0),
        (stats.expon(), 27 / 12),
        (stats.norm(3, 2), 2 * math.pi * math.sqrt(3)),
        (stats.t(3), student_norm(3) / 12),
        (stats.t(2.5), student_norm(2.5) / 12),
    ],
)
def test_closed_forms(density, expected):
    """Panter-Dite's constant is pencil and paper's, also where p^(1/3) is only just integrable."""
    assert panter_dite(density, 1) == pytest.approx(expected, rel=1e-10)
    assert panter_dite(density, 10) == pytest.approx(expected / 100, rel=1e-10)


@pytest.mark.parametrize("name", ["gaussian", "laplace", "uniform", "logistic"])
def test_lloyd_max_tends_to_it(name):
    """The best N levels approach Panter-Dite from below: the shortfall halves, about, as N doubles."""
    short = [1 - lloyd_max(name, n).distortion / panter_dite(name, n) for n in (64, 128, 256)]
    assert all(-1e-12 < value < 0.06 for value in short)
    if name != "uniform":
        assert short[1] / short[0] == pytest.approx(0.5, abs=0.02)
        assert short[2] / short[1] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("density", OBJECTS, ids=lambda density: density.dist.name)
def test_the_best_spread_is_p_to_the_third(density):
    """Bennett at the point density is Panter-Dite; at the density itself, where finite, it is more."""
    best = panter_dite(density, 7)
    assert bennett(density, point_density(density), 7) == pytest.approx(best, rel=1e-6)
    wider = stats.norm(density.mean(), 3 * density.std())
    if density.dist.name in ("triang", "norm"):
        assert bennett(density, wider, 7) > best


def test_bennett_by_hand():
    """N(0, 1) with levels like N(0, 4): 8π/12 ∫ φ e^(x²/4) = 8π sqrt2 / 12."""
    assert bennett("gaussian", stats.norm(scale=2), 1) == pytest.approx(8 * math.pi * math.sqrt(2) / 12, rel=1e-12)


@pytest.mark.parametrize("points", [stats.norm(), stats.norm(scale=0.8), stats.uniform(-1, 2)])
def test_a_spread_that_is_too_thin_diverges(points):
    """Levels that thin out where the source does not: refused, not a large number."""
    with pytest.raises(DataError, match="diverges"):
        bennett("gaussian", points, 4)


@pytest.mark.parametrize("density", ["gaussian", *OBJECTS], ids=lambda d: d if isinstance(d, str) else d.dist.name)
def test_point_density_is_a_distribution(density):
    """Quantiles: ppf inverts cdf, cdf is the integral of pdf."""
    points = point_density(density)
    shares = np.array([0.01, 0.3, 0.5, 0.77, 0.99])
    x = points.ppf(shares)
    assert points.cdf(x) == pytest.approx(shares, abs=1e-12)
    between = [quad(points.pdf, a, b, limit=200, epsabs=1e-11)[0] for a, b in pairwise(x)]
    assert between == pytest.approx(np.diff(shares), abs=1e-8)


def test_gaussian_point_density_is_wider():
    """(d+2)/d Σ, d counting the axes that have variance; on the line it is p^(1/3)."""
    assert gaussian_point_density([4.0, 1.0, 0.0]).variances.tolist() == [8.0, 2.0, 0.0]
    law = gaussian_point_density([[2.0, 1.0], [1.0, 2.0]], mean=[1.0, 2.0])
    assert law.covariance() == pytest.approx(2 * np.array([[2.0, 1.0], [1.0, 2.0]]), rel=1e-14)
    x = np.linspace(-6, 6, 25)
    assert point_density("gaussian").pdf(x) == pytest.approx(stats.norm(scale=math.sqrt(3)).pdf(x), rel=1e-10)


@pytest.mark.parametrize(
    "call",
    [
        lambda: panter_dite("cauchy", 4),
        lambda: panter_dite("gaussian", 0),
        lambda: bennett("gaussian", object(), 4),
        lambda: point_density("gaussian").ppf(1.5),
    ],
)
def test_mistakes_are_named(call):
    """Names, counts, objects and shares are checked."""
    with pytest.raises(UsageError):
        call()
