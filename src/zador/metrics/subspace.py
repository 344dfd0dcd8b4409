"""How well an encoder's subspace matches another: principal angles and what is made of them.

A basis is a (D, m) matrix whose **columns** span the subspace; they need not be orthonormal. The weight of a linear layer
holds its directions in rows: pass its transpose. Source: knyazev2002principal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import svdvals

from zador.errors import DataError
from zador.validation import as_matrix, check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["mean_angle", "principal_angles", "subspace_affinity"]


def principal_angles(basis: Any, other: Any) -> NDArray[np.float64]:
    """Return the angles θ_1 >= θ_2 >= ... between two subspaces, in radians.

    Each angle is `arctan2(sine, cosine)` with both from singular values, so that an angle of 1e-12 is not lost beside a
    cosine of 1. (`scipy.linalg.subspace_angles` loses it, down to 1e-8, when another angle exceeds 45 degrees.)

    Args:
        basis: (D, m) matrix of independent columns.
        other: (D, n) matrix of independent columns.

    Returns:
        (min(m, n),) angles from 0 to π/2, largest first.

    Raises:
        DataError: the two do not live in the same D dimensions, or the columns of one are dependent.
        NonFiniteError: a basis holds NaN or infinity.

    >>> principal_angles([[1.0], [0.0]], [[1.0], [1.0]]).round(4)
    array([0.7854])
    """
    a, b = _as_basis(basis, "basis"), _as_basis(other, "other")
    if len(a) != len(b):
        raise DataError(f"other: expected {len(a)} rows as in basis {a.shape}, got {b.shape}; directions go in columns")
    larger, smaller = (np.linalg.qr(side).Q for side in ((a, b) if a.shape[1] >= b.shape[1] else (b, a)))
    overlap = larger.T @ smaller
    sines, cosines = svdvals(smaller - larger @ overlap), svdvals(overlap)
    return np.asarray(np.arctan2(sines, cosines[::-1]), np.float64)


def mean_angle(basis: Any, other: Any) -> float:
    """Return the mean of the principal angles, in radians: 0 for the same subspace, π/2 for orthogonal ones.

    Args:
        basis: (D, m) matrix of independent columns.
        other: (D, n) matrix of independent columns.

    Raises:
        DataError: the two do not live in the same D dimensions, or the columns of one are dependent.
        NonFiniteError: a basis holds NaN or infinity.

    >>> round(mean_angle([[1.0], [0.0]], [[0.0], [2.0]]), 4)
    1.5708
    """
    return float(principal_angles(basis, other).mean())


def subspace_affinity(basis: Any, other: Any) -> float:
    """Return the mean of `cos^2 θ_i`, the share of the smaller subspace's energy that the larger one keeps.

    Args:
        basis: (D, m) matrix of independent columns.
        other: (D, n) matrix of independent columns.

    Returns:
        From 0, orthogonal, to 1, one contains the other; about max(m, n) / D for unrelated subspaces.

    Raises:
        DataError: the two do not live in the same D dimensions, or the columns of one are dependent.
        NonFiniteError: a basis holds NaN or infinity.

    >>> round(subspace_affinity([[1.0], [0.0]], [[1.0], [1.0]]), 4)
    0.5
    """
    return float((np.cos(principal_angles(basis, other)) ** 2).mean())


def _as_basis(basis: Any, name: str) -> NDArray[np.float64]:
    matrix = as_matrix(basis, name).astype(np.float64)
    check_finite(matrix, name)
    rank = int(np.linalg.matrix_rank(matrix))
    if rank < matrix.shape[1]:
        raise DataError(
            f"{name}: expected independent columns, got {matrix.shape[1]} columns of rank {rank}; "
            "drop the dependent ones, or transpose if the directions are in rows"
        )
    return matrix
