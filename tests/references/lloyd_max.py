"""Lloyd's first design rule for the line: quadrature for every centroid, fixed-point sweeps until nothing moves."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.integrate import quad

SWEEPS = 5000


def lloyd_max(pdf, levels, reach):
    """Return (levels, distortion) for a density on [-reach, reach], from evenly spaced levels."""
    c = reach * (2 * np.arange(levels) + 1 - levels) / (4 * levels)
    for _ in range(SWEEPS):
        edges = [-reach, *((c[1:] + c[:-1]) / 2), reach]
        moved = np.array([_centroid(pdf, a, b) for a, b in pairwise(edges)])
        done = np.abs(moved - c).max() < 1e-12
        c = moved
        if done:
            break
    edges = [-reach, *((c[1:] + c[:-1]) / 2), reach]
    cells = zip(c, edges[:-1], edges[1:], strict=True)
    return c, sum(_integral(lambda x, y=y: (x - y) ** 2 * pdf(x), a, b) for y, a, b in cells)


def _centroid(pdf, a, b):
    return _integral(lambda x: x * pdf(x), a, b) / _integral(pdf, a, b)


def _integral(function, a, b):
    # Split at the origin, where the Laplacian has its kink.
    knots = [a, 0.0, b] if a < 0 < b else [a, b]
    return sum(quad(function, p, q, epsabs=1e-14, epsrel=1e-13)[0] for p, q in pairwise(knots))
