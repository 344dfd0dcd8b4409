"""Rate–distortion functions of continuous sources on the line, squared error, the reproduction free to be anywhere.

    R(D) = max_s  min_ν { -E ln ∫ exp(-s (X - y)²) ν(dy) } - s D

Gauss-Legendre panels turn the density into points and weights, a discrete ν is fitted to them, and the supremum of c over
all real y is bounded by branch and bound, not looked up on a grid (`zador.theory.bumps`). What is not proven is the
quadrature: both bounds are computed on narrower panels than the fit, and moved apart by what the narrowing changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from zador.errors import UsageError
from zador.theory.bumps import Bumps
from zador.theory.densities import named, standardise
from zador.theory.free_support import Law, fit_law
from zador.theory.rate_point import RatePoint
from zador.units import to_bits, to_nats

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from zador.theory.densities import Density, Standard

    Floats = NDArray[np.float64]

__all__ = ["LinePoint", "curve", "solve"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_PANEL = 3.0  # widths of a bump
_SPACING = 1.0
_TAIL = 30.0  # log-odds: 1e-13 of the mass on either side is left out
_BULK = 10.0  # log-odds: 5e-5 on either side
_QUANTILES = 65
_BUDGET = 1e10
_STEEPEST = 1e6


@dataclass(frozen=True)
class LinePoint:
    """A point of the rate–distortion function of a source on the line, and the bounds that enclose it.

    Attributes:
        rate_lower: bits; R(distortion) is not below this.
        rate_upper: bits; a channel of this rate achieves `distortion`.
        distortion: mean squared error of that channel, in squared units of the data.
        slope: -dR/dD in bits per unit of squared error.
        atoms: (k,) where that channel reproduces.
        weights: (k,) how often.
    """

    rate_lower: float
    rate_upper: float
    distortion: float
    slope: float
    atoms: Floats
    weights: Floats

    @property
    def gap(self) -> float:
        """Distance of the two bounds, in bits."""
        return self.rate_upper - self.rate_lower

    @property
    def point(self) -> RatePoint:
        """The achieved end of the bracket."""
        return RatePoint(self.rate_upper, self.distortion, "free support on the line, upper bound")


def solve(density: str | Density, *, slope: float, tolerance: float = 1e-3) -> LinePoint:
    """Return the point of R(D) with -dR/dD = `slope`, for squared error.

    Args:
        density: "gaussian", "laplace", "uniform" or "logistic" (zero mean, unit variance), or an object with `pdf`, `cdf`,
            `sf`, `ppf`, `mean`, `var`.
        slope: bits per unit of squared error, above 0. At distortion D it is about 0.72 / D.
        tolerance: width of the bracket to aim at, in bits; the bracket returned says what was reached.

    Returns:
        Both bounds with the distortion, and the reproduction law.

    Raises:
        UsageError: unknown density, or a slope or tolerance that is not a positive number.
        DataError: the density has no finite variance.

    >>> found = solve("gaussian", slope=2.885)         # 1 bit: D = 1/4
    >>> found.rate_lower <= 0.5 * math.log2(1 / found.distortion) <= found.rate_upper
    True
    """
    source = named(density) if isinstance(density, str) else standardise(density)
    nats = to_nats(slope) * source.scale**2
    if not (0 < nats <= _STEEPEST and 0 < tolerance < math.inf):
        raise UsageError(
            f"slope, tolerance: expected positive numbers, slope x variance at most {to_bits(_STEEPEST):.3g} bits, "
            f"got {slope!r} and {tolerance!r}"
        )
    return _solve(source, nats, to_nats(tolerance))


def curve(density: str | Density, slopes: Iterable[float], *, tolerance: float = 1e-3) -> list[LinePoint]:
    """Return the points of R(D) at many slopes, in ascending order of slope: see `solve`.

    >>> [round(point.rate_upper, 2) for point in curve("uniform", [1.0, 4.0])]
    [0.33, 1.14]
    """
    return [solve(density, slope=slope, tolerance=tolerance) for slope in sorted(slopes)]


def _solve(source: Standard, slope: float, tolerance: float) -> LinePoint:
    width = 1.0 / math.sqrt(2 * slope)
    points, p = _quadrature(source, _PANEL * width)
    low, high = source.density.ppf(expit(np.array([-_BULK, _BULK])))
    bulk = (points[:, 0] >= low) & (points[:, 0] <= high)
    start = np.linspace(low, high, 2 + int((high - low) / (_SPACING * width)))
    law = fit_law(
        points[bulk], p[bulk] / p[bulk].sum(), slope, tolerance=0.3 * tolerance, start=start[:, None], rounds=25, budget=0
    )
    # In the far tails c <= 1 would need weights of 1e-13 just so. A share of the law that follows the source there costs
    # no more than its logarithm and holds c down.
    if not bulk.all():
        share = 0.3 * tolerance
        atoms = np.concatenate([law.atoms, points[~bulk]])
        weights = np.concatenate([(1 - share) * law.weights, share * p[~bulk] / p[~bulk].sum()])
        law = Law(atoms, weights, slope, law.value, law.log_supremum, certified=False, distortion=0.0, rate=0.0)
    coarse = _certified(law, points, p, None)
    value, supremum, distortion, rate = _certified(law, *_quadrature(source, 0.6 * _PANEL * width), tolerance)
    change = abs(value - coarse[0]) + slope * abs(distortion - coarse[2])
    lower = max(value - supremum - slope * distortion - change, 0.0)
    return LinePoint(
        to_bits(float(lower)),
        to_bits(float(max(rate + change, lower))),
        distortion * source.scale**2,
        to_bits(slope) / source.scale**2,
        source.mean + source.scale * law.atoms[:, 0],
        law.weights,
    )


def _certified(law: Law, points: Floats, p: Floats, tolerance: float | None) -> tuple[float, float, float, float]:
    """Return L, a bound on ln sup c, distortion and rate of a law, on other nodes than it was fitted to."""
    minus_log_z, errors = law.evaluate(points)
    bumps = Bumps(points, np.log(p) + minus_log_z, law.slope)
    log_c = bumps.log_c(law.atoms)
    highest = float(log_c.max())
    bound = highest if tolerance is None else bumps.supremum(0.3 * tolerance, _BUDGET, highest)[1]
    value, distortion = float(p @ minus_log_z), float(p @ errors)
    rate = value - float((law.weights * np.exp(log_c)) @ log_c) - law.slope * distortion
    return value, bound, distortion, max(float(rate), 0.0)


def _quadrature(source: Standard, widest: float) -> tuple[Floats, Floats]:
    """Return nodes (n, 1) and their probabilities: panels between quantiles, none wider than `widest`."""
    knots = np.unique(source.density.ppf(expit(np.linspace(-_TAIL, _TAIL, _QUANTILES))))
    pieces = np.maximum(1, np.ceil(np.diff(knots) / widest)).astype(int)
    edges = np.concatenate([np.linspace(a, b, n + 1)[:-1] for a, b, n in zip(knots, knots[1:], pieces, strict=False)])
    edges = np.append(edges, knots[-1])
    half = 0.5 * np.diff(edges)
    nodes = (0.5 * (edges[1:] + edges[:-1]))[:, None] + half[:, None] * _NODES
    p = (half[:, None] * _WEIGHTS * source.density.pdf(nodes)).ravel()
    kept = p > 0
    return nodes.reshape(-1, 1)[kept], p[kept] / p.sum()
