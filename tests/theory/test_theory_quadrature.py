"""Running integrals: closed forms, kinks, and tails that are a power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from zador.errors import DataError
from zador.theory.quadrature import RunningIntegral


@pytest.mark.parametrize(
    "density", [stats.norm(), stats.laplace(), stats.expon(), stats.uniform(-1, 2), stats.t(3)], ids=lambda d: d.dist.name
)
def test_the_integral_of_a_density_is_its_cdf(density):
    """To 1e-13, also across kinks and jumps, between knots and beyond them."""
    running = RunningIntegral(density.pdf, density.ppf)
    x = np.array([-50.0, -1.0, -0.3, 0.0, 1e-3, 0.77, 3.0, 50.0])
    assert running.total == pytest.approx(1.0, abs=1e-12)
    assert running(x) == pytest.approx(density.cdf(x), abs=1e-13)


def test_more_panels_reach_further():
    """∫_1^∞ u^-1.2 = 5 is lost by 64 doublings of the tail (0.016 %) and found by 500."""
    pareto = stats.pareto(1.0)

    def slow(u):
        return np.where(u >= 1, np.maximum(u, 1.0) ** -1.2, 0.0)

    near = RunningIntegral(slow, pareto.ppf).total
    assert near < 5.0 * (1 - 1e-6)
    assert RunningIntegral(slow, pareto.ppf, doublings=500).total == pytest.approx(5.0, rel=1e-10)


def test_an_infinite_function_is_refused():
    """A pole inside the support is named."""
    with pytest.raises(DataError, match="bounded"), np.errstate(divide="ignore"):
        RunningIntegral(lambda x: np.full_like(x, np.inf), stats.norm().ppf)
