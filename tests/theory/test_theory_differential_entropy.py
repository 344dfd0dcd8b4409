"""Differential entropies: closed forms against scipy's, quadrature against both."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from zador.errors import UsageError
from zador.theory import differential_entropy as entropy

LN2 = math.log(2)


@pytest.mark.parametrize(
    ("bits", "density"),
    [
        (entropy.gaussian([4.0]), stats.norm(scale=2.0)),
        (entropy.uniform(3.0), stats.uniform(-1, 3)),
        (entropy.laplace(0.4), stats.laplace(scale=0.4)),
        (entropy.logistic(2.5), stats.logistic(scale=2.5)),
        (entropy.generalised_gaussian(1.7, 0.6), stats.gennorm(0.6, scale=1.7)),
        (entropy.generalised_gaussian(1.7, 8.0), stats.gennorm(8.0, scale=1.7)),
    ],
)
def test_closed_forms(bits, density):
    """Each closed form is scipy's own entropy."""
    assert bits == pytest.approx(float(density.entropy()) / LN2, rel=1e-12)


@pytest.mark.parametrize(
    "density",
    [
        stats.norm(3, 0.01), stats.uniform(-1, 3), stats.laplace(scale=0.4), stats.logistic(scale=2.5), stats.expon(scale=7),
        stats.gamma(2.5), stats.lognorm(1.0), stats.t(3), stats.beta(2, 5), stats.gennorm(1.5),
    ],
    ids=lambda density: density.dist.name,
)  # fmt: skip
def test_quadrature(density):
    """-∫ p log2 p of an object is scipy's entropy to ten digits, for skewed, bounded and heavy-tailed ones."""
    assert entropy.of_density(density) == pytest.approx(float(density.entropy()) / LN2, abs=1e-10)


@pytest.mark.parametrize("name", ["gaussian", "laplace", "uniform", "logistic"])
def test_no_density_of_unit_variance_exceeds_the_gaussian(name):
    """½ log2(2πe) is the most, and the names have unit variance."""
    bits = entropy.of_density(name)
    assert (bits == entropy.gaussian([1.0])) == (name == "gaussian")
    assert bits <= 0.5 * math.log2(2 * math.pi * math.e)


def test_generalised_gaussian_passes_through_its_relatives():
    """β = 1 is Laplace, β = 2 Gaussian of variance α²/2, β = 10^6 uniform of width 2α up to 1/β in nats."""
    assert entropy.generalised_gaussian(1.3, 1.0) == pytest.approx(entropy.laplace(1.3), abs=1e-14)
    assert entropy.generalised_gaussian(1.3, 2.0) == pytest.approx(entropy.gaussian([1.3**2 / 2]), abs=1e-14)
    assert entropy.generalised_gaussian(1.3, 1e6) == pytest.approx(entropy.uniform(2.6), abs=2e-6 / LN2)


def test_independent_parts_add_up():
    """A Gaussian with a diagonal covariance is a product source; a rotation changes nothing."""
    parts = [4.0, 1.0, 0.25]
    assert entropy.gaussian(parts) == pytest.approx(sum(entropy.gaussian([v]) for v in parts), abs=1e-13)
    assert entropy.gaussian(parts) == pytest.approx(
        float(stats.multivariate_normal(cov=np.diag(parts)).entropy()) / LN2, abs=1e-13
    )


def test_a_subspace_has_none():
    """A zero eigenvalue, exact or rounding, has entropy minus infinity."""
    assert entropy.gaussian([1.0, 0.0]) == -math.inf
    assert entropy.gaussian([1.0, 1e-16]) == -math.inf


@pytest.mark.parametrize(
    "call",
    [
        lambda: entropy.uniform(0.0),
        lambda: entropy.laplace(-1.0),
        lambda: entropy.logistic(math.inf),
        lambda: entropy.generalised_gaussian(1.0, math.nan),
        lambda: entropy.of_density("cauchy"),
    ],
)
def test_mistakes_are_named(call):
    """Widths, scales and exponents are positive; names are known."""
    with pytest.raises(UsageError):
        call()
