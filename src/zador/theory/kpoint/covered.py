"""Where one more codeword would be worth most: the supremum of `F(c) = E (g(X) - |X - c|²)₊`, found by climbing.

F is a kernel average, as the density of a mixture is, with a truncated paraboloid of radius sqrt(g(x)) around every x. The
step `c <- mean of the x whose ball holds c` never lowers F: each term is a maximum of 0 and a paraboloid, and with the terms
that are positive now held on, the mean maximises what is left. Source: cheng1995mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.kpoint.nodes import Nodes

    Matrix = NDArray[np.float64]

__all__ = ["climb", "gains"]

_TILE = 1 << 23
_KEPT = 32
_CLIMBS = 8
_SAME = 0.02


def gains(x: Matrix, prices: NDArray[np.float64], places: Matrix) -> Matrix:
    """Return the (M, N) values `(g(x_n) - |x_n - c_m|²)₊`.

    Args:
        x: (N, d) points.
        prices: (N,) values of g there.
        places: (M, d) candidates c.

    >>> gains(np.array([[0.0], [3.0]]), np.array([1.0, 1.0]), np.array([[0.5], [9.0]]))
    array([[0.75, 0.  ],
           [0.  , 0.  ]])
    """
    left = 2.0 * places @ x.T
    left += prices - np.einsum("nd,nd->n", x, x)
    left -= np.einsum("md,md->m", places, places)[:, None]
    return np.asarray(np.maximum(left, 0.0, out=left))


def climb(nodes: Nodes, prices: NDArray[np.float64], starts: Matrix, count: int) -> Matrix:
    """Return at most `count` of the highest distinct peaks of F reached from the best of `starts`, highest first.

    They are local maxima: nothing proves that there is no higher one.

    Args:
        nodes: what stands for X, all mirror images spelled out.
        prices: (N,) values of g there.
        starts: (M, d) places to begin at.
        count: at least 1.
    """
    places = starts[np.argsort(-_heights(nodes, prices, starts), kind="stable")[:_KEPT]]
    for _ in range(_CLIMBS):
        places = np.concatenate([_climbed(nodes, prices, tile) for tile in _tiles(places, len(prices))])
    places = places[np.argsort(-_heights(nodes, prices, places), kind="stable")]
    apart = np.square(places[:, None] - places).sum(axis=2)
    first = np.argmax(apart <= _SAME * (nodes.weights @ prices), axis=1) == np.arange(len(places))
    return np.asarray(places[first][:count])


def _heights(nodes: Nodes, prices: NDArray[np.float64], places: Matrix) -> NDArray[np.float64]:
    return np.concatenate([gains(nodes.x, prices, tile) @ nodes.weights for tile in _tiles(places, len(prices))])


def _climbed(nodes: Nodes, prices: NDArray[np.float64], places: Matrix) -> Matrix:
    held = np.where(gains(nodes.x, prices, places) > 0, nodes.weights, 0.0)
    mass = held.sum(axis=1)[:, None]
    return np.where(mass > 0, held @ nodes.x / np.maximum(mass, np.finfo(float).tiny), places)


def _tiles(places: Matrix, columns: int) -> list[Matrix]:
    rows = max(1, _TILE // max(columns, 1))
    return [places[start : start + rows] for start in range(0, len(places), rows)]
