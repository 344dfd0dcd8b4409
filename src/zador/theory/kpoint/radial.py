"""No codebook of K points does better on N(0, v I_d): prices that depend on |x| alone.

For ANY function g, any codebook c_1, ..., c_K and any x,

    g(x) <= min_k |x - c_k|² + Σ_k (g(x) - |x - c_k|²)₊

since the nearest codeword alone already makes up for g(x) - min. Expectations of both sides give

    D_K >= E g(X) - K sup_c E (g(X) - |X - c|²)₊

the dual of facility location, for a continuous source. The right side is concave in g and, for an isotropic source, no less
for the mean of g over rotations: the best g is radial.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from zador.errors import UsageError
from zador.theory import gaussian, scalar
from zador.theory.kpoint.bound import KPointBound
from zador.theory.kpoint.optimal_prices import optimal_prices
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RadialBound", "lower_bound"]

_MOST_PER_AXIS = 1024.0  # K^(1/d): beyond it the balls are too many to integrate over
_MOST_LEVELS = 1 << 16
_SLACK = 5e-5


@dataclass(frozen=True)
class RadialBound(KPointBound):
    """A lower bound for an isotropic Gaussian, with the prices that prove it.

    Attributes:
        radii: (m,) |x|, in units of the data; empty where no prices were needed.
        prices: (m,) g at `radii`, in squared units of the data: a cubic spline runs through them, outside nothing is paid.
        quadrature: what `distortion` allows for the error of quadrature, in squared units of the data.
        ceiling: no g proves more than this, to quadrature; infinite where it was not computed.
    """

    radii: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), repr=False, compare=False)
    prices: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), repr=False, compare=False)
    quadrature: float = 0.0
    ceiling: float = math.inf


def lower_bound(dim: int, variance: float, codebook_size: int) -> RadialBound:
    """Return a distortion that no codebook of K points goes below for X ~ N(0, v I_d): radial prices, or what is exact.

    Exact where the best codebook is known: the mean for K = 1, half-spaces for K = 2, Lloyd–Max in one dimension up to 2^16
    levels. Never below Shannon's `d v K^(-2/d)`, which is returned where K^(1/d) exceeds 1024. The supremum over c is
    enclosed by branch and bound; integrals are by Gauss–Legendre quadrature, whose error is estimated on a finer grid,
    doubled, and subtracted. Certified means that, and rounding: it is no interval arithmetic.

    Args:
        dim: d, at least 1.
        variance: v of every coordinate, in squared units of the data, at least 0.
        codebook_size: K, at least 1.

    Returns:
        The bound in squared error summed over coordinates, how it was found, and the prices.

    Raises:
        UsageError: `dim` or `codebook_size` is no count, or the variance is negative or not finite.

    >>> bound = lower_bound(4, 1.0, 16)
    >>> round(bound.distortion, 3), bound.how
    (1.339, 'radial prices')
    >>> bool(bound.ceiling < 1.001 * bound.distortion)  # no other g would prove 0.1 % more
    True
    """
    dim, size = as_count(dim, "dim"), as_count(codebook_size, "codebook_size")
    if not 0 <= variance < math.inf:
        raise UsageError(f"variance: expected a finite number of at least 0, got {variance!r}")
    unit = _standard(dim, size)
    return RadialBound(
        variance * unit.distortion,
        unit.certified,
        unit.how,
        radii=math.sqrt(variance) * unit.radii,
        prices=variance * unit.prices,
        quadrature=variance * unit.quadrature,
        ceiling=variance * unit.ceiling if variance else 0.0,
    )


@lru_cache(maxsize=256)
def _standard(dim: int, size: int) -> RadialBound:
    if size == 1:
        return RadialBound(float(dim), certified=True, how="the mean, exact", ceiling=float(dim))
    if size == 2:  # noqa: PLR2004 - two cells of nearest neighbours are half-spaces; the best cuts through the mean
        return RadialBound(dim - 2 / math.pi, certified=True, how="half-spaces, exact", ceiling=dim - 2 / math.pi)
    if dim == 1 and size <= _MOST_LEVELS:
        best = scalar.lloyd_max("gaussian", size).distortion
        return RadialBound(best, certified=True, how="Lloyd–Max, exact", ceiling=best)
    bits = math.log2(size)
    shannon = RadialBound(gaussian.distortion_rate(np.ones(dim), bits), certified=True, how="Shannon")
    if bits > dim * math.log2(_MOST_PER_AXIS):
        return shannon
    priced = _priced(dim, size)
    return priced if priced.distortion > shannon.distortion else shannon


def _priced(dim: int, size: int) -> RadialBound:
    """Return what the best radial prices prove for N(0, I_d)."""
    prices, ceiling = optimal_prices(dim, size)
    mean, mean_error = prices.mean()
    shannon = dim * size ** (-2.0 / dim)
    paid = prices.supremum(_SLACK * shannon / size)
    return RadialBound(
        max(0.0, mean - mean_error - size * paid.upper),
        certified=True,
        how="radial prices",
        radii=prices.radii,
        prices=prices.prices,
        quadrature=mean_error + size * paid.quadrature,
        ceiling=ceiling,
    )
