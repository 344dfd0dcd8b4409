"""Costs of reproducing a source symbol by a reproduction symbol, handed out in blocks of rows.

A table of 20,000 × 5,000 costs is 800 MB; a block of it is 8. Whoever wants the costs asks for rows and, if a few
reproductions are enough, for those columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from zador.errors import DataError, NonFiniteError
from zador.validation import as_matrix, check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["AbsoluteError", "PairCosts", "SquaredError", "TableOfCosts", "as_pair_costs"]


class PairCosts(Protocol):
    """What the solver asks of a cost: its shape and blocks of its rows."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m): how many source symbols, how many reproductions."""

    def rows(self, rows: slice, columns: NDArray[np.intp] | None = None) -> Floats:
        """Return the costs of `rows` to all reproductions, or to those named; an array that the caller may overwrite."""


class TableOfCosts:
    """Costs from an (n, m) table; infinity forbids a pair.

    Args:
        table: (n, m) costs at least 0, in any unit; `inf` where a symbol must not be reproduced so.

    Raises:
        DataError: not a matrix, a negative cost, or a row with nothing but infinities.
        NonFiniteError: NaN.
    """

    def __init__(self, table: Any) -> None:
        self._table = as_matrix(table, "distortion").astype(np.float64, copy=False)
        if not len(self._table):
            raise DataError("distortion: expected one row a source symbol, got none")
        lowest = self._table.min(axis=1)  # NaN if the row holds one
        if np.isnan(lowest).any():
            raise NonFiniteError(f"distortion: {np.isnan(lowest).sum()} rows hold NaN; use inf to forbid a pair")
        if lowest.min() < 0:
            raise DataError(f"distortion: costs are at least 0, got {lowest.min():.6g}; add a constant to all of them")
        if np.isinf(lowest).any():
            row = int(np.flatnonzero(np.isinf(lowest))[0])
            raise DataError(
                f"distortion: row {row} forbids every reproduction (and {np.isinf(lowest).sum() - 1} more rows do); "
                "each source symbol needs one at finite cost"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m): how many source symbols, how many reproductions."""
        return self._table.shape

    def rows(self, rows: slice, columns: NDArray[np.intp] | None = None) -> Floats:
        """Return a copy of the rows."""
        block = self._table[rows]
        return block.copy() if columns is None else block[:, columns]


class _BetweenPoints:
    def __init__(self, points: Any, reproductions: Any) -> None:
        x, y = as_matrix(points, "points"), as_matrix(reproductions, "reproductions")
        check_finite(x, "points")
        check_finite(y, "reproductions")
        if not len(x) or not len(y) or x.shape[1] != y.shape[1]:
            raise DataError(
                f"expected points (n, d) and reproductions (m, d) of one dimension, got shapes {x.shape} and {y.shape}"
            )
        centre = y.mean(axis=0, dtype=np.float64)  # squared lengths lose fewer digits near the origin
        self._x, self._y = x - centre, y - centre

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m): how many points, how many reproductions."""
        return len(self._x), len(self._y)


class SquaredError(_BetweenPoints):
    """`|x_i - y_j|²`, summed over coordinates.

    Args:
        points: (n, d) source points.
        reproductions: (m, d) points that may reproduce them.

    Raises:
        DataError: not two matrices of one width.
        NonFiniteError: NaN or infinity.

    >>> SquaredError([[0.0], [2.0]], [[0.0], [1.0]]).rows(slice(0, 2))
    array([[0., 1.],
           [4., 1.]])
    """

    def __init__(self, points: Any, reproductions: Any) -> None:
        super().__init__(points, reproductions)
        self._length = np.einsum("jd,jd->j", self._y, self._y)

    def rows(self, rows: slice, columns: NDArray[np.intp] | None = None) -> Floats:
        """Return the squared errors of `rows`, as `|x|² + |y|² - 2 x·y`."""
        x = self._x[rows]
        y, length = (self._y, self._length) if columns is None else (self._y[columns], self._length[columns])
        block = np.asarray(x @ (-2.0 * y.T), np.float64)
        block += np.einsum("id,id->i", x, x)[:, None]
        block += length
        return np.maximum(block, 0.0, out=block)


class AbsoluteError(_BetweenPoints):
    """`Σ_k |x_ik - y_jk|`, the sum of absolute differences of coordinates.

    On the line `AbsoluteError(points, points)` leaves nothing to gain from other reproductions: between two neighbouring
    points c(y) = Σ w_i exp(-s |x_i - y|) is a sum of exp(s y) and exp(-s y), so convex, and its supremum over all real y is
    at a point. In d dimensions the same holds of the grid of all combinations of the points' coordinates.

    Args:
        points: (n, d) source points.
        reproductions: (m, d) points that may reproduce them.

    Raises:
        DataError: not two matrices of one width.
        NonFiniteError: NaN or infinity.
    """

    def rows(self, rows: slice, columns: NDArray[np.intp] | None = None) -> Floats:
        """Return the absolute errors of `rows`."""
        x, y = self._x[rows], self._y if columns is None else self._y[columns]
        block = np.zeros((len(x), len(y)))
        for k in range(x.shape[1]):
            block += np.abs(x[:, k, None] - y[:, k])
        return block


def as_pair_costs(distortion: Any) -> PairCosts:
    """Return `distortion` if it hands out rows already, else the (n, m) table that it is, checked."""
    return distortion if hasattr(distortion, "rows") and hasattr(distortion, "shape") else TableOfCosts(distortion)
