"""A Gaussian behind a linear encoder z = W x of m dimensions: what is lost before any quantizer sees it.

With y = E[x|z], any decoder of an index I(z) leaves at least

    E|x - x̂|² = tr Σ - tr Cov(y)  +  E|y - E[y|I]|²,        Cov(y) = Σ Wᵀ (W Σ Wᵀ)⁺ W Σ

so the quantizer's problem is the Gaussian y. The first difference is Σ_{i>m} λ_i, which every encoder of m dimensions drops,
plus a misalignment >= 0 that is 0 for the leading principal axes. For a Gaussian those are the best encoder at every rate
and every codebook size: Cov(y) <= Σ, so each of its eigenvalues is at most that of Σ. For other sources they are best only
without quantization. Source: berger1971rate for D(R).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, UsageError
from zador.theory.floored import FlooredGaussian
from zador.theory.spectrum import as_covariance, numerical_zero, principal_axes, spectrum_of
from zador.validation import as_count, as_matrix, check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EncodedGaussian", "encoded", "principal"]


@dataclass(frozen=True)
class EncodedGaussian(FlooredGaussian):
    """What an m-dimensional linear encoder leaves of a Gaussian; squared errors summed over coordinates.

    Attributes:
        spectrum: (m,) eigenvalues of Cov(E[x|z]), largest first: the Gaussian that a quantizer behind the encoder codes.
        dropped: Σ_{i>m} λ_i, lost by any encoder to m dimensions.
        misalignment: what this encoder loses beyond that; 0 for the leading principal axes.
    """

    spectrum: NDArray[np.float64]
    dropped: float
    misalignment: float

    @property
    def floor(self) -> float:
        """The error at infinite rate: `dropped + misalignment`."""
        return self.dropped + self.misalignment


def principal(covariance_or_eigenvalues: Any, encoder_dim: int) -> EncodedGaussian:
    """Return what the m leading principal axes leave: the best linear encoder of a Gaussian.

    Args:
        covariance_or_eigenvalues: (D, D) covariance, or its (D,) eigenvalues in any order; squared units of the data.
        encoder_dim: dimension m <= D.

    Raises:
        DataError: not a covariance or spectrum.
        UsageError: m is not a whole number of at least 1, or exceeds D.

    >>> principal([4.0, 2.0, 1.0, 0.25], 2).distortion_rate(2.5)
    2.25
    """
    eigenvalues = spectrum_of(covariance_or_eigenvalues)
    kept = as_count(encoder_dim, "encoder_dim")
    if kept > len(eigenvalues):
        raise UsageError(f"encoder_dim: expected at most the {len(eigenvalues)} dimensions of the source, got {kept}")
    return EncodedGaussian(eigenvalues[:kept], float(eigenvalues[kept:].sum()), 0.0)


def encoded(covariance: Any, encoder: Any) -> EncodedGaussian:
    """Return what any linear encoder `z = W x` leaves of N(0, Σ), with its misalignment.

    Rows of W may be of any length and need not be orthogonal: only their span, seen through Σ, matters. With Σ = S S and
    Q an orthonormal basis of the range of S Wᵀ, Cov(y) = S Q Qᵀ S, so the spectrum is the squared singular values of S Q.

    Args:
        covariance: (D, D) covariance Σ, or its (D,) diagonal when coordinates are uncorrelated.
        encoder: (m, D) matrix W, m <= D; rows that repeat others, or that see no variance, add zeros to the spectrum.

    Raises:
        DataError: not a covariance, or W has not D columns or more rows than columns.
        NonFiniteError: W holds NaN or infinity.

    >>> result = encoded([4.0, 2.0, 1.0, 0.25], [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]])
    >>> result.spectrum.round(6), result.dropped, round(result.misalignment, 6)
    (array([2., 1.]), 1.25, 3.0)
    """
    given = covariance if np.ndim(covariance) == 1 else as_covariance(covariance)
    eigenvalues, axes = principal_axes(given)
    matrix = as_matrix(encoder, "encoder").astype(np.float64)
    check_finite(matrix, "encoder")
    if matrix.shape[1] != len(eigenvalues) or not 0 < len(matrix) <= len(eigenvalues):
        raise DataError(f"encoder: expected shape (m, {len(eigenvalues)}) with 1 <= m <= D, got {matrix.shape}")
    root = np.sqrt(eigenvalues)[:, None]
    basis, singular, _ = np.linalg.svd(root * (axes @ _unit_rows(matrix).T), full_matrices=False)
    basis = basis[:, singular > np.sqrt(numerical_zero(singular**2))] if singular.any() else basis[:, :0]
    seen = np.linalg.svd(root * basis, compute_uv=False) ** 2
    spectrum = np.concatenate([seen, np.zeros(len(matrix) - len(seen))])
    dropped = float(np.sort(eigenvalues)[::-1][len(matrix) :].sum())
    return EncodedGaussian(spectrum, dropped, _above_rounding(eigenvalues.sum() - spectrum.sum() - dropped, eigenvalues))


def _unit_rows(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    # A short row says as much as a long one: without this it could pass for rounding.
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.where(lengths > 0, lengths, 1.0))


def _above_rounding(misalignment: float, eigenvalues: NDArray[np.float64]) -> float:
    rounding = len(eigenvalues) ** 2 * float(np.finfo(np.float64).eps * eigenvalues.max())
    return float(misalignment) if misalignment > rounding else 0.0
