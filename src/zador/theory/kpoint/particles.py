"""Codewords spread thin: J particles that share the mass of K codewords, and the price of a vector among them.

Relax the choice of K points to a measure μ of mass K, and let every x be served by the nearest unit of that mass. The
relaxed problem is convex, its value is below the distortion of every codebook of K points, and its dual variable is the
price `g(x) = r(x)²`, with r(x) the radius of the ball around x that holds mass 1. Particles carry μ. Sources:
erlenkotter1978dual for the dual of facility location, of which this is the continuous form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

__all__ = ["Particles", "Service", "nearest", "serve"]

_TREE_DIMS = 10
_TILE = 1 << 22
_SPARE = 1.6
_BLUR = 0.15


class Particles(NamedTuple):
    """A measure of mass K on J points.

    Attributes:
        points: (J, d) positions.
        shares: (J,) masses, each in (0, 1], together K.
    """

    points: Matrix
    shares: NDArray[np.float64]


class Service(NamedTuple):
    """How N vectors are served by the particles nearest to them.

    Attributes:
        squared_distances: (N, k) to the k nearest particles, ascending.
        indices: (N, k) their numbers.
        parts: (N, k) what each of them gives to the vector; at most its share, together 1.
        prices: (N,) mean squared radius of the balls that hold a mass between 1 - β and 1 + β, β = 0.15. A price may be
            anything; this one moves smoothly with the shares, where the radius at 1 jumps when a cluster's mass passes 1.
    """

    squared_distances: Matrix
    indices: NDArray[np.int64]
    parts: Matrix
    prices: NDArray[np.float64]


def serve(x: Matrix, particles: Particles) -> Service:
    """Return how the nearest unit of mass around each x is made up.

    Only the nearest `1.6 J / K` particles are looked at, more than an even spread needs. Where they hold less than 1,
    parts sum to less and the price is that of the last of them: too low to be the best, as valid as any other.

    Args:
        x: (N, d) vectors.
        particles: of the same dimension.

    >>> particles = Particles(np.array([[0.0], [2.0], [3.0]]), np.array([0.5, 0.75, 0.75]))
    >>> serve(np.array([[0.0]]), particles).prices
    array([4.])
    """
    points, shares = particles
    wanted = min(len(points), int(np.ceil(_SPARE * len(points) / shares.sum())))
    squared, indices = nearest(x, points, wanted)
    held = np.cumsum(shares[indices], axis=1)
    parts = np.clip(1.0 - (held - shares[indices]), 0.0, shares[indices])
    passed = np.clip(held, 1.0 - _BLUR, 1.0 + _BLUR)
    passed[:, -1] = 1.0 + _BLUR
    weights = np.diff(passed, axis=1, prepend=1.0 - _BLUR) / (2.0 * _BLUR)
    return Service(squared, indices, parts, np.einsum("nk,nk->n", weights, squared))


def nearest(x: Matrix, points: Matrix, count: int) -> tuple[Matrix, NDArray[np.int64]]:
    """Return the (N, count) squared distances to the nearest of `points`, ascending, and their numbers.

    Args:
        x: (N, d) vectors.
        points: (J, d), J at least `count`.
        count: how many, at least 1.
    """
    if x.shape[1] <= _TREE_DIMS:
        from scipy.spatial import KDTree

        distances, numbers = KDTree(points).query(x, k=np.arange(1, count + 1), workers=-1)
        return np.square(np.asarray(distances, np.float64)), np.asarray(numbers, np.int64)
    rows = max(1, _TILE // len(points))
    tiles = [_nearest_of_tile(x[start : start + rows], points, count) for start in range(0, len(x), rows)]
    return np.concatenate([tile[0] for tile in tiles]), np.concatenate([tile[1] for tile in tiles])


def _nearest_of_tile(tile: Matrix, points: Matrix, count: int) -> tuple[Matrix, NDArray[np.intp]]:
    squared = np.einsum("jd,jd->j", points, points) - 2.0 * tile @ points.T
    squared += np.einsum("nd,nd->n", tile, tile)[:, None]
    near = np.argpartition(squared, count - 1, axis=1)[:, :count] if count < len(points) else np.indices(squared.shape)[1]
    order = np.argsort(np.take_along_axis(squared, near, 1), axis=1)
    numbers = np.take_along_axis(near, order, 1)
    return np.maximum(np.take_along_axis(squared, numbers, 1), 0.0), numbers
