"""Mean and principal axes of data: where every initialiser that knows a Gaussian law begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError
from zador.theory.spectrum import numerical_zero

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PrincipalAxes", "principal_axes"]

_BLOCK_ROWS = 1 << 14


@dataclass(frozen=True, eq=False)
class PrincipalAxes:
    """The biased covariance of data, `U diag(λ) Uᵀ`.

    Attributes:
        mean: (d,).
        eigenvalues: (d,) λ, descending, summed squared error per vector; those that are rounding are exactly 0.
        directions: (d, d) U, one eigenvector a column.
    """

    mean: NDArray[np.float64]
    eigenvalues: NDArray[np.float64]
    directions: NDArray[np.float64]

    @property
    def rank(self) -> int:
        """Number of directions in which the data vary."""
        return int(np.count_nonzero(self.eigenvalues))

    def place(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `mean + U y` for each row y of (n, d) coordinates along the axes."""
        return self.mean + coordinates @ self.directions.T

    def coordinates(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Return (n, d) rows `Uᵀ (x - mean)`: vectors along the axes."""
        return np.asarray((x - self.mean) @ self.directions, np.float64)


def principal_axes(x: NDArray[Any], weights: NDArray[np.float64] | None = None) -> PrincipalAxes:
    """Return mean and eigendecomposition of the weighted covariance `Σ w (x - mean)(x - mean)ᵀ / Σ w`.

    Args:
        x: (N, d) finite vectors; read in blocks, so a memory-mapped array is never copied as a whole.
        weights: (N,) non-negative, or None for ones.

    Raises:
        DataError: the weights sum to 0.

    Example:
        >>> principal_axes(np.array([[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [4.0, 2.0]])).eigenvalues
        array([4., 1.])
    """
    mass = np.ones(len(x)) if weights is None else weights
    if mass.sum() <= 0:
        raise DataError(f"principal_axes: the {len(x)} weights sum to 0; at least one vector needs a positive weight")
    dim = x.shape[1]
    mean, scatter = np.zeros(dim), np.zeros((dim, dim))
    for start in range(0, len(x), _BLOCK_ROWS):
        mean += mass[start : start + _BLOCK_ROWS] @ x[start : start + _BLOCK_ROWS].astype(np.float64)
    mean /= mass.sum()
    for start in range(0, len(x), _BLOCK_ROWS):
        block = x[start : start + _BLOCK_ROWS] - mean
        scatter += (mass[start : start + _BLOCK_ROWS, None] * block).T @ block
    eigenvalues, directions = np.linalg.eigh(scatter / mass.sum())
    eigenvalues, directions = eigenvalues[::-1].copy(), directions[:, ::-1].copy()
    eigenvalues[eigenvalues <= numerical_zero(eigenvalues)] = 0.0
    return PrincipalAxes(mean, eigenvalues, directions)
