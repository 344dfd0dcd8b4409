"""The nearest codeword of many vectors in few dimensions, for a stack of small codebooks in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cell_sums", "nearest_of_each"]


def nearest_of_each(z: NDArray[Any], codewords: NDArray[Any]) -> NDArray[np.int64]:
    """Return (S, B) `argmin_k ||z_sn - e_sk||²`, summed from the differences, the lowest index on ties.

    A vector is looked at by itself, so neither its place nor the other members change a bit. A distance that is not a
    number (an overflow of a diverged member) is never the nearest; where none is a number the index is 0.

    Args:
        z: (S, B, m) of the dtype of the codewords.
        codewords: (S, K, m).
    """
    indices = np.empty(z.shape[:2], np.int64)
    table = np.ascontiguousarray(codewords.transpose(0, 2, 1))
    _search(np.ascontiguousarray(z), table, np.empty(codewords.shape[1], z.dtype), indices)
    return indices


def cell_sums(z: NDArray[Any], indices: NDArray[np.int64], codebook_size: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return (S, K) the number and (S, K, m) the sum of the vectors of each cell, in the dtype of z and the order of rows.

    Args:
        z: (S, B, m).
        indices: (S, B) below `codebook_size`.
        codebook_size: K.
    """
    counts = np.zeros((len(z), codebook_size), z.dtype)
    sums = np.zeros((len(z), codebook_size, z.shape[2]), z.dtype)
    _add(np.ascontiguousarray(z), indices, counts, sums)
    return counts, sums


@njit(nogil=True, cache=True)
def _search(z: Any, table: Any, distances: Any, indices: Any) -> None:
    members, rows, dim = z.shape
    for s in range(members):
        for n in range(rows):
            distances[:] = 0.0
            for t in range(dim):
                value = z[s, n, t]
                for k in range(distances.shape[0]):
                    difference = value - table[s, t, k]
                    distances[k] += difference * difference
            best, low = 0, distances[0]
            for k in range(1, distances.shape[0]):
                # Selections, not branches: which codeword wins is anybody's guess, the processor's too.
                better = distances[k] < low or low != low  # noqa: PLR0124 - NaN alone differs from itself
                best = k if better else best
                low = distances[k] if better else low
            indices[s, n] = best if low == low else 0  # noqa: PLR0124


@njit(nogil=True, cache=True)
def _add(z: Any, indices: Any, counts: Any, sums: Any) -> None:
    for s in range(z.shape[0]):
        for n in range(z.shape[1]):
            k = indices[s, n]
            counts[s, k] += 1.0
            for t in range(z.shape[2]):
                sums[s, k, t] += z[s, n, t]
