"""A sample seen through its indices: mean, covariance, and the mean of every cell, in blocks of rows.

Cell k holds the vectors whose index is k. Moments are those of the sample itself, divided by N and not by N - 1: what is
exact for them is exact for the measured error. Nothing of the size N x K or N x D is allocated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Cells", "cells_of", "squared_errors"]

_BLOCK_BYTES = 1 << 23


@dataclass(frozen=True, eq=False)
class Cells:
    """First and second moments of a sample, and the first of each of its cells.

    Attributes:
        origin: (D,) mean of all vectors, but for rounding.
        covariance: (D, D) of all vectors, divided by N; squared units of the data.
        counts: (K,) vectors in each cell.
        means: (K, D) of each cell, as offsets from `origin`, which keep their digits; zeros for an empty cell.
    """

    origin: Floats
    covariance: Floats
    counts: NDArray[np.int64]
    means: Floats


def cells_of(vectors: NDArray[Any], indices: NDArray[np.int64], codebook_size: int) -> Cells:
    """Return the moments of `vectors` (N, D), finite and at least one, whose `indices` (N,) are from 0 to K - 1.

    Raises:
        DataError: the values are so large that their squares overflow.

    >>> found = cells_of(np.array([[0.0], [2.0], [7.0]]), np.array([0, 0, 2]), 3)
    >>> found.origin, found.covariance.round(6), found.means.ravel(), found.counts
    (array([3.]), array([[8.666667]]), array([-2.,  0.,  4.]), array([2, 0, 1]))
    """
    count, dim = vectors.shape
    with np.errstate(over="ignore", invalid="ignore"):
        origin = np.zeros(dim)
        for rows in _blocks(vectors):
            origin += vectors[rows].sum(axis=0, dtype=np.float64) / count
        gram, sums = np.zeros((dim, dim)), np.zeros((codebook_size, dim))
        for rows in _blocks(vectors):
            centred = vectors[rows] - origin
            gram += centred.T @ centred
            _add_by_cell(sums, centred, indices[rows])
        # The origin is off the mean by the rounding of large values; the sums of small ones say by how much.
        shift = sums.sum(axis=0) / count
        covariance = gram / count - np.outer(shift, shift)
    if not np.isfinite(covariance).all():
        raise DataError(f"vectors: squares of values as large as {np.abs(vectors).max():.3g} overflow; rescale them first")
    counts = np.bincount(indices, minlength=codebook_size).astype(np.int64)
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], 0.0)
    return Cells(origin, covariance, counts, means)


def squared_errors(vectors: NDArray[Any], indices: NDArray[np.int64], reconstructions: NDArray[Any]) -> Floats:
    """Return (N,) `|x_i - x̂_{I(i)}|²`, summed over coordinates in float64.

    Raises:
        DataError: the differences are so large that their squares overflow.

    >>> squared_errors(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([0, 0]), np.array([[0.0, 1.0]]))
    array([ 1., 18.])
    """
    errors = np.empty(len(vectors))
    with np.errstate(over="ignore"):
        for rows in _blocks(vectors):
            difference = np.subtract(vectors[rows], reconstructions[indices[rows]], dtype=np.float64)
            np.einsum("ij,ij->i", difference, difference, out=errors[rows])
    if not np.isfinite(errors).all():
        raise DataError("reconstructions: squared differences from the vectors overflow; rescale both first")
    return errors


def _add_by_cell(sums: Floats, block: Floats, indices: NDArray[np.int64]) -> None:
    order = np.argsort(indices, kind="stable")
    present, firsts = np.unique(indices[order], return_index=True)
    sums[present] += np.add.reduceat(block[order], firsts, axis=0)


def _blocks(vectors: NDArray[Any]) -> Iterator[slice]:
    step = max(1, _BLOCK_BYTES // (8 * vectors.shape[1]))
    return (slice(start, start + step) for start in range(0, len(vectors), step))
