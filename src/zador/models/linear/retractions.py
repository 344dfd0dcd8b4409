"""Retractions: back to orthonormal rows after a step along a straight line, for a stack of encoders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Retraction", "polar", "qr", "signed_qr"]

# (S, m, D) finite -> (S, m, D) with orthonormal rows, in the same dtype.
Retraction = Callable[[NDArray[Any]], NDArray[Any]]

# Squared ratio of the extreme singular values above which the square of a matrix is not good enough.
_GRAM_IS_ENOUGH = 1e2
# A square beyond this may overflow before its root is drawn.
_HUGE = 1e30


def polar(encoder: NDArray[Any]) -> NDArray[Any]:
    """Return U Vᵀ of each W = U Σ Vᵀ: the nearest matrix with orthonormal rows [higham1986computing].

    Computed as (W Wᵀ)^(-1/2) W from the eigenvalues of an m×m matrix where the singular values are close to each other,
    as they are after a small step; by a singular value decomposition where they are not.

    Args:
        encoder: (S, m, D) finite, m <= D.

    Returns:
        (S, m, D) in the same dtype.

    >>> polar(np.array([[[3.0, 4.0]]])).round(12).tolist()
    [[[0.6, 0.8]]]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        gram = encoder @ encoder.transpose(0, 2, 1)
    sound = (np.abs(gram) < _HUGE).all(axis=(1, 2))
    values, vectors = np.linalg.eigh(np.where(sound[:, None, None], gram, 0))
    sound &= (values[:, 0] > 0) & (values[:, -1] < _GRAM_IS_ENOUGH * values[:, 0])
    roots = np.sqrt(np.where(sound[:, None], values, 1))
    inverse = (vectors / roots[:, None, :]) @ vectors.transpose(0, 2, 1)
    result = np.where(sound[:, None, None], inverse, 0) @ encoder
    for member in np.flatnonzero(~sound):
        left, _, right = np.linalg.svd(encoder[member], full_matrices=False)
        result[member] = left @ right
    return np.asarray(result)


def qr(encoder: NDArray[Any]) -> NDArray[Any]:
    """Return Qᵀ of each Wᵀ = Q R as LAPACK leaves it, signs not fixed: not continuous, for comparison with `signed_qr`.

    Its Householder reflections never let the leading entry of the first row be positive [anderson1999lapack]: where it
    changes its sign, so does the whole row, from one step to the next. The same holds for the other rows, each behind
    the reflections of those before it. The codebook does not turn with them.

    Args:
        encoder: (S, m, D) finite, m <= D.

    Returns:
        (S, m, D) in the same dtype.

    >>> qr(np.array([[[3.0, 4.0]], [[-3.0, 4.0]]])).round(12).tolist()
    [[[-0.6, -0.8]], [[-0.6, 0.8]]]
    """
    return np.ascontiguousarray(np.linalg.qr(encoder.transpose(0, 2, 1)).Q.transpose(0, 2, 1))


def signed_qr(encoder: NDArray[Any]) -> NDArray[Any]:
    """Return Qᵀ of each Wᵀ = Q R with a positive diagonal of R: the continuous QR retraction [absil2008optimization].

    Without the sign rule rows flip from one step to the next.

    Args:
        encoder: (S, m, D) finite, m <= D.

    Returns:
        (S, m, D) in the same dtype.

    >>> signed_qr(np.array([[[3.0, 4.0]]])).round(12).tolist()
    [[[0.6, 0.8]]]
    """
    columns, upper = np.linalg.qr(encoder.transpose(0, 2, 1))
    signs = np.where(np.diagonal(upper, axis1=1, axis2=2) < 0, -1, 1).astype(encoder.dtype)
    return np.ascontiguousarray((columns * signs[:, None, :]).transpose(0, 2, 1))
