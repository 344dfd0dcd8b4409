"""The public door of the theory: covariances and spectra, checked once.

A *spectrum* is the vector of eigenvalues of a covariance. Squared error is rotation invariant, so the spectrum is all
that a Gaussian source has to say about rate and distortion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError
from zador.validation import as_matrix, check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["as_covariance", "as_spectrum", "numerical_zero", "principal_axes", "spectrum_of"]

_MATRIX_AXES = 2
_ZERO = 1e-12


def numerical_zero(eigenvalues: NDArray[np.float64], eps: float = float(np.finfo(np.float64).eps)) -> float:
    """Return `max(1e-12, D eps) max |λ|`: an eigenvalue that close to zero is the rounding of one that is zero.

    `D eps max |λ|` is how far a symmetric eigensolver may move an eigenvalue in the precision of its input.

    Args:
        eigenvalues: (D,) variances, in squared units of the data.
        eps: relative precision of the numbers that they were computed from.

    >>> numerical_zero(np.array([4.0, 1.0]))
    4e-12
    """
    return max(_ZERO, len(eigenvalues) * eps) * float(np.abs(eigenvalues).max())


def as_spectrum(eigenvalues: Any) -> NDArray[np.float64]:
    """Return `eigenvalues` as a (D,) float64 vector in the caller's order, with rounding below zero set to zero.

    Args:
        eigenvalues: (D,) variances along the principal axes, in squared units of the data; any order.

    Raises:
        DataError: not a vector of numbers, or an eigenvalue is negative by more than `numerical_zero`.
        NonFiniteError: it holds NaN or infinity.

    >>> as_spectrum([1, 4, -1e-15])
    array([1., 4., 0.])
    """
    shape = np.shape(eigenvalues)
    if len(shape) != 1 or shape[0] == 0:
        raise DataError(f"eigenvalues: expected shape (D,) with D >= 1, got {shape}; pass one variance per axis")
    row = as_matrix(eigenvalues[None] if hasattr(eigenvalues, "dtype") else [eigenvalues], "eigenvalues")
    check_finite(row.T, "eigenvalues")
    return _without_rounding(row[0].astype(np.float64), float(np.finfo(row.dtype).eps))


def spectrum_of(covariance_or_eigenvalues: Any) -> NDArray[np.float64]:
    """Return the (D,) eigenvalues, largest first, of a covariance, or of a spectrum that is already one.

    Args:
        covariance_or_eigenvalues: (D, D) symmetric positive semidefinite covariance, or (D,) eigenvalues in any order.

    Raises:
        DataError: neither a vector nor a square matrix, not symmetric, or not positive semidefinite.
        NonFiniteError: it holds NaN or infinity.

    >>> spectrum_of([[2.0, 1.0], [1.0, 2.0]])
    array([3., 1.])
    """
    if len(np.shape(covariance_or_eigenvalues)) == _MATRIX_AXES:
        eigenvalues = _eigenvalues(as_matrix(covariance_or_eigenvalues, "covariance"))
    else:
        eigenvalues = as_spectrum(covariance_or_eigenvalues)
    return np.sort(eigenvalues)[::-1]


def as_covariance(covariance: Any, name: str = "covariance") -> NDArray[np.float64]:
    """Return `covariance` as a symmetric (D, D) float64 matrix, both halves averaged.

    Raises:
        DataError: not a square matrix, or not symmetric.
        NonFiniteError: it holds NaN or infinity.

    >>> as_covariance([[2, 1], [1, 2]])
    array([[2., 1.],
           [1., 2.]])
    """
    return _symmetric(as_matrix(covariance, name), name)


def principal_axes(covariance_or_eigenvalues: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (eigenvalues (D,), axes (D, D)) with `Σ = axes.T @ diag(eigenvalues) @ axes`: one axis a row, largest first.

    Eigenvalues alone are taken for a diagonal covariance in their own order, and keep it.

    Args:
        covariance_or_eigenvalues: (D, D) symmetric positive semidefinite covariance, or (D,) eigenvalues.

    Raises:
        DataError: neither a vector nor a square matrix, not symmetric, or not positive semidefinite.
        NonFiniteError: it holds NaN or infinity.

    >>> principal_axes([1.0, 4.0])
    (array([1., 4.]), array([[1., 0.],
           [0., 1.]]))
    """
    if len(np.shape(covariance_or_eigenvalues)) != _MATRIX_AXES:
        eigenvalues = as_spectrum(covariance_or_eigenvalues)
        return eigenvalues, np.eye(len(eigenvalues))
    given = as_matrix(covariance_or_eigenvalues, "covariance")
    values, vectors = np.linalg.eigh(_symmetric(given, "covariance"))
    return _without_rounding(values, float(np.finfo(given.dtype).eps))[::-1], vectors.T[::-1]


def _eigenvalues(covariance: NDArray[Any]) -> NDArray[np.float64]:
    matrix = _symmetric(covariance, "covariance")
    return _without_rounding(np.asarray(np.linalg.eigvalsh(matrix), np.float64), float(np.finfo(covariance.dtype).eps))


def _symmetric(covariance: NDArray[Any], name: str) -> NDArray[np.float64]:
    if covariance.shape[0] != covariance.shape[1]:
        raise DataError(
            f"{name}: expected a square (D, D) matrix, got shape {covariance.shape}; "
            "for vectors in rows pass numpy.cov(x, rowvar=False)"
        )
    check_finite(covariance, name)
    eps = float(np.finfo(covariance.dtype).eps)
    matrix = covariance.astype(np.float64)
    asymmetry = float(np.abs(matrix - matrix.T).max())
    # Blocked sums may round the two halves differently, by far less than the square root of the precision.
    if asymmetry > np.sqrt(eps) * float(np.abs(matrix).max()):
        raise DataError(
            f"{name}: expected a symmetric matrix, got entries that differ from their mirror by {asymmetry:.6g}; "
            "pass the mean of (x - mean)(x - mean)^T, not a factor of it"
        )
    return np.asarray((matrix + matrix.T) / 2, np.float64)


def _without_rounding(eigenvalues: NDArray[np.float64], eps: float) -> NDArray[np.float64]:
    smallest = float(eigenvalues.min())
    if smallest < -numerical_zero(eigenvalues, eps):
        raise DataError(
            f"a variance cannot be negative, got eigenvalue {smallest:.6g} beside a largest of {eigenvalues.max():.6g}; "
            "compute the covariance in float64 and its spectrum with numpy.linalg.eigvalsh"
        )
    return np.maximum(eigenvalues, 0.0)
