"""Means over some rows of data, and over draws without replacement: what predictions of a starting distortion share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.theory.random_codebook import Expected

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

__all__ = ["controlled_mean", "nearest_of_draws", "some_rows", "squared_distances"]


def some_rows(
    x: NDArray[Any], weights: Vector | None, most: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], Vector, bool]:
    """Return row numbers, the share of each in the mean, and whether those are all rows.

    Args:
        x: (N, d) vectors.
        weights: (N,) non-negative, or None for ones.
        most: beyond that many rows this many are drawn, with probability proportional to their weights.
        rng: of the draw.
    """
    count = len(x)
    share = np.full(count, 1.0 / count) if weights is None else weights / weights.sum()
    if count <= most:
        return np.arange(count), share, True
    drawn = rng.choice(count, most, p=None if weights is None else share)
    return drawn, np.full(most, 1.0 / most), False


def controlled_mean(values: Vector, share: Vector, control: Vector, control_mean: float, *, complete: bool) -> Expected:
    """Return the mean of `values` over rows, corrected by their regression on a control whose true mean is known.

    Args:
        values: (n,) one number a row.
        share: (n,) share of each row.
        control: (n,) a number that goes along with `values`.
        control_mean: its mean over all rows.
        complete: whether the rows are all there are, so that nothing is estimated.
    """
    mean = float(share @ values)
    if complete:
        return Expected(mean)
    centred = control - float(share @ control)
    spread = float(centred @ centred)
    slope = float(centred @ (values - mean)) / spread if spread > 0 else 0.0
    left = values - mean - slope * centred
    return Expected(mean - slope * (float(share @ control) - control_mean), float(left.std(ddof=2) / math.sqrt(len(values))))


def nearest_of_draws(distances: Vector, draws: int) -> Vector:
    """Return the mean over all ways to draw `draws` of the n columns of the smallest drawn distance, for each row.

    The j-th smallest is the nearest drawn with probability `C(n - j, k - 1) / C(n, k)`, so over a random subset of a larger
    pool the result is unbiased for draws without replacement from the pool.

    Args:
        distances: (m, n) numbers.
        draws: k, from 1 to n.

    >>> nearest_of_draws(np.array([[3.0, 1.0, 2.0]]), 2).round(3)  # 1, 1 or 2
    array([1.333])
    """
    count = distances.shape[1]
    rank = np.arange(1, count)
    later = np.maximum(count - rank - draws + 1, 0) / (count - rank)
    chance = draws / count * np.concatenate([[1.0], np.cumprod(later)])
    return np.asarray(np.sort(distances, axis=1) @ chance)


def squared_distances(x: Vector, y: Vector) -> Vector:
    """Return (m, n) `||x_i - y_j||²` of rows that were centred together, never below 0."""
    squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2.0 * x @ y.T
    return np.asarray(np.maximum(squares, 0.0))
