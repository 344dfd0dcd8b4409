"""Voronoi cells in the plane, cut to a square."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cell"]

_Points = NDArray[np.float64]


def cell(codewords: _Points, number: int, reach: float) -> _Points:
    """Return the corners (C, 2) of the cell of one codeword inside the square [-reach, reach]²; none if it is outside.

    The square is cut by one bisector after the other.

    Args:
        codewords: (K, 2).
        number: which.
        reach: half the side of the square.

    >>> cell(np.array([[-1.0, 0.0], [1.0, 0.0]]), 0, 2.0).tolist()
    [[-2.0, -2.0], [0.0, -2.0], [0.0, 2.0], [-2.0, 2.0]]
    """
    corners = reach * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    own = codewords[number]
    for other in np.delete(codewords, number, axis=0):
        corners = _cut(corners, other - own, 0.5 * (other @ other - own @ own))
    return corners


def _cut(corners: _Points, normal: _Points, height: float) -> _Points:
    """Return the part of a convex polygon where normal · x <= height."""
    kept: list[_Points] = []
    above = corners @ normal - height
    for place in range(len(corners)):
        before, after = corners[place - 1], corners[place]
        if above[place - 1] * above[place] < 0:
            kept.append(before + (after - before) * (above[place - 1] / (above[place - 1] - above[place])))
        if above[place] <= 0:
            kept.append(after)
    return np.array(kept).reshape(-1, 2)
