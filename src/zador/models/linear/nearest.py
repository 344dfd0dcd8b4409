"""The nearest codeword of many vectors in few dimensions, for a stack of small codebooks in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cell_sums", "chosen", "nearest_of_each"]

_BLOCK = 64


def nearest_of_each(z: NDArray[Any], codewords: NDArray[Any]) -> NDArray[np.int64]:
    """Return (S, B) `argmin_k ||z_sn - e_sk||²`, summed from the differences, the lowest index on ties.

    A vector is looked at by itself, so neither its place nor the other members change a bit. A distance that is not a
    number (an overflow of a diverged member) is never the nearest; where none is a number the index is 0.

    Args:
        z: (S, B, m) of the dtype of the codewords.
        codewords: (S, K, m).
    """
    indices = np.empty(z.shape[:2], np.int64)
    _search(np.ascontiguousarray(z), np.ascontiguousarray(codewords), indices)
    return indices


def chosen(codewords: NDArray[Any], indices: NDArray[np.int64]) -> NDArray[Any]:
    """Return (S, B, m): the codeword of each index, of codewords (S, K, m) and indices (S, B) below K."""
    members, size, dim = codewords.shape
    rows = indices + size * np.arange(members)[:, None]
    found: NDArray[Any] = np.take(codewords.reshape(members * size, dim), rows, axis=0, mode="clip")
    return found


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


@njit(nogil=True, cache=True, fastmath={"contract"})
def _search(z: Any, codewords: Any, indices: Any) -> None:
    members, rows, dim = z.shape
    # Coordinates of a block of vectors side by side: every loop over the block is one over vector registers.
    block, distance, low = np.zeros((dim, _BLOCK), z.dtype), np.empty(_BLOCK, z.dtype), np.empty(_BLOCK, z.dtype)
    best = np.empty(_BLOCK, np.int32)
    for s in range(members):
        for first in range(0, rows, _BLOCK):
            count = min(_BLOCK, rows - first)
            for t in range(dim):
                for r in range(count):
                    block[t, r] = z[s, first + r, t]
            low[:] = np.inf
            best[:] = 0
            for k in range(codewords.shape[1]):
                distance[:] = 0.0
                for t in range(dim):
                    value, line = codewords[s, k, t], block[t]
                    for r in range(_BLOCK):
                        difference = line[r] - value
                        distance[r] += difference * difference
                for r in range(_BLOCK):
                    # Selections, not branches; a distance that is not a number is not less than anything.
                    nearer = distance[r] < low[r]
                    low[r] = distance[r] if nearer else low[r]
                    best[r] = np.int32(k) if nearer else best[r]
            for r in range(count):
                indices[s, first + r] = best[r]


@njit(nogil=True, cache=True)
def _add(z: Any, indices: Any, counts: Any, sums: Any) -> None:
    for s in range(z.shape[0]):
        for n in range(z.shape[1]):
            k = indices[s, n]
            counts[s, k] += 1.0
            for t in range(z.shape[2]):
                sums[s, k, t] += z[s, n, t]
