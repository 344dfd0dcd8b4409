"""An orthonormal frame: vectors seen along chosen axes, and back, every row to the same bits wherever it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zador.codebooks import principal_axes
from zador.search.threads import in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Frame"]

_ROWS = 4
_TOLERANCE = {4: 1e-3, 8: 1e-6}


@dataclass(frozen=True, eq=False)
class Frame:
    """`z = Uᵀ(x - μ)` and back, `x̂ = μ + U z`, for U with orthonormal columns: squared errors along the axes are those of x.

    A matrix product of a library rounds a row differently in blocks of different shapes, which would now and then change
    an index. Here a row is multiplied by itself, in an order that does not depend on its neighbours.

    Attributes:
        mean: (D,) μ.
        directions: (D, m) U, m <= D, in the same float type.

    Example:
        >>> turned = Frame(np.zeros(2), np.array([[0.0, 1.0], [-1.0, 0.0]]))
        >>> turned.forward(np.array([[3.0, 4.0]])).tolist(), turned.backward(np.array([[-4.0, 3.0]])).tolist()
        ([[-4.0, 3.0]], [[3.0, 4.0]])
    """

    mean: NDArray[Any]
    directions: NDArray[Any]

    def __post_init__(self) -> None:
        """Refuse what is no frame: ValueError."""
        dim, axes = self.directions.shape
        gram = self.directions.T.astype(np.float64) @ self.directions
        tolerance = _TOLERANCE[self.directions.dtype.itemsize]
        if self.mean.shape != (dim,) or axes > dim or np.abs(gram - np.eye(axes)).max(initial=0.0) > tolerance:
            raise ValueError(f"mean {self.mean.shape} and directions {self.directions.shape} make no orthonormal frame")

    @classmethod
    def principal(cls, x: NDArray[Any], axes: int | None = None) -> Frame:
        """Return the leading `axes` principal axes (all D by default) of finite x (N, D), in order of falling variance."""
        found = principal_axes(x)
        return cls(found.mean.astype(x.dtype), np.ascontiguousarray(found.directions[:, :axes], x.dtype))

    def forward(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return z (n, m) of x (n, D), in the float type of the frame."""
        return _product(x, self.directions, -self.mean, np.zeros(self.directions.shape[1], self.directions.dtype))

    def backward(self, z: NDArray[Any]) -> NDArray[Any]:
        """Return x̂ (n, D) of z (n, m)."""
        back = np.ascontiguousarray(self.directions.T)
        return _product(z, back, np.zeros(back.shape[0], back.dtype), self.mean)


def _product(x: NDArray[Any], matrix: NDArray[Any], before: NDArray[Any], after: NDArray[Any]) -> NDArray[Any]:
    """Return `(x + before) @ matrix + after`, row by row."""
    rows = np.ascontiguousarray(x, matrix.dtype)
    out = np.empty((len(rows), matrix.shape[1]), matrix.dtype)
    in_threads(lambda start, stop: _multiply(rows, matrix, before, after, out, start, stop), len(rows))
    return out


@njit(nogil=True, cache=True, fastmath={"contract"})
def _multiply(x: Any, matrix: Any, before: Any, after: Any, out: Any, start: int, stop: int) -> None:
    # Four rows share one pass over the matrix. Rows that are missing at the end repeat the last one: every row goes
    # through the same instructions.
    width = matrix.shape[1]
    sums = np.empty((_ROWS, width), x.dtype)
    for first in range(start, stop, _ROWS):
        a, b, c, d = sums
        for row in range(_ROWS):
            sums[row] = after
        r1, r2, r3 = min(first + 1, stop - 1), min(first + 2, stop - 1), min(first + 3, stop - 1)
        for t in range(matrix.shape[0]):
            x0, x1 = x[first, t] + before[t], x[r1, t] + before[t]
            x2, x3 = x[r2, t] + before[t], x[r3, t] + before[t]
            line = matrix[t]
            for j in range(width):
                a[j] += x0 * line[j]
                b[j] += x1 * line[j]
                c[j] += x2 * line[j]
                d[j] += x3 * line[j]
        for row in range(min(_ROWS, stop - first)):
            out[first + row] = sums[row]
