"""Few codewords in many dimensions: regular simplices, and the one case with a proof, K = 2.

The K <= d + 1 directions from the centre of a regular simplex to its corners, all at the best distance, cut N(0, v I_d) into
K congruent cones. With m_K the expected maximum of K independent standard normals they leave

    D = d v - K/(K-1) m_K² v

For K = 2 this is the minimum, for any spectrum: two cells of nearest neighbours are half-spaces, and among half-spaces the
one through the mean, across the axis of the largest variance, explains most: `D = tr Σ - (2/π) λ_1`. For K >= 3 no proof is
known to us that the simplex is best; multi-start Lloyd finds nothing below it. It is a codebook, so never a lower bound.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from scipy.special import ndtr

from zador.errors import UsageError
from zador.theory.spectrum import as_spectrum
from zador.validation import as_count

__all__ = ["distortion", "expected_maximum", "two_points"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_EDGE = 39.0  # beyond it the density of N(0, 1) is below the smallest float
_PANELS = 512


def expected_maximum(count: int) -> float:
    """Return `m_K = E max(Z_1, ..., Z_K) = ∫ z K φ(z) Φ(z)^(K-1) dz` of K = `count` independent standard normals.

    Args:
        count: K, at least 1.

    Raises:
        UsageError: K is not a whole number of at least 1.

    >>> bool(np.isclose(expected_maximum(2), 1 / math.sqrt(math.pi), rtol=0, atol=1e-14))
    True
    """
    return _expected_maximum(as_count(count, "count"))


@cache
def _expected_maximum(count: int) -> float:
    edges = np.linspace(-_EDGE, _EDGE, _PANELS + 1)
    half = 0.5 * np.diff(edges)[:, None]
    z = 0.5 * (edges[1:] + edges[:-1])[:, None] + half * _NODES
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    # z φ = -φ': for K = 1 the integral is 0 by symmetry, and so is its sum.
    terms = half * _WEIGHTS * z * count * density * ndtr(z) ** (count - 1)
    return math.fsum(terms.ravel())


def distortion(dim: int, variance: float, codebook_size: int) -> float:
    """Return `d v - K/(K-1) m_K² v`, the mean squared error of the best regular simplex of K codewords for N(0, v I_d).

    Args:
        dim: d.
        variance: v of every coordinate, in squared units of the data, at least 0.
        codebook_size: K, at most d + 1. For K = 1 the codeword is the mean.

    Returns:
        Squared error summed over coordinates. The minimum for K <= 2; conjectured to be for K >= 3.

    Raises:
        UsageError: `dim` or K is no count, K > d + 1, or the variance is negative or not finite.

    >>> round(distortion(2, 1.0, 3), 6)  # 2 - 27 / 8π
    0.925704
    """
    dim, size = as_count(dim, "dim"), as_count(codebook_size, "codebook_size")
    if size > dim + 1:
        raise UsageError(f"simplex: {dim} dimensions hold a regular simplex of at most {dim + 1} corners, got K = {size}")
    if not 0 <= variance < math.inf:
        raise UsageError(f"variance: expected a finite number of at least 0, got {variance!r}")
    if size == 1:
        return dim * variance
    return variance * (dim - size / (size - 1) * expected_maximum(size) ** 2)


def two_points(eigenvalues: Any) -> float:
    """Return `tr Σ - (2/π) λ_1`, the least mean squared error of any two codewords for a Gaussian.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order.

    Returns:
        Squared error summed over coordinates.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.

    >>> round(two_points([1.0, 4.0]), 6)
    2.453521
    """
    spectrum = as_spectrum(eigenvalues)
    return float(spectrum.sum() - 2 / math.pi * spectrum.max())
