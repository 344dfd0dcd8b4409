"""Nearest codeword with a proof: single precision proposes, an error bound decides, double precision settles.

**Bound.** Let u be the unit roundoff, x and c_k centred and scaled, `s_k = ||c_k||² - 2 x·c_k` the score that orders
the codewords. A score summed in any order from d + 2 rounded products of rounded inputs is off by at most
`e_k = g (||c_k||² + 2 ||x|| ||c_k||)` with `g = n u / (1 - n u)`, n = d + 16 [higham2002accuracy, § 3.1]; each codeword
pays for its own norm, so an outlier codeword costs nobody else. The kernel computes the *lower* end `s_k - e_k`:
e_k is linear in ||x||, so it is one more coordinate of the product. The best row is then proved nearest when the second
smallest lower end exceeds its upper end, `s_j + e_j`. What stays undecided is done again with u of double precision, on
distinct codewords; what even that cannot decide (ties, mostly) is compared by the definition, candidates only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zador.search.fused import scan
from zador.search.packed import pack
from zador.search.threads import in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["certified"]

_BATCH_BYTES = 1 << 22
_CANDIDATE_ELEMENTS = 1 << 18


def certified(x: NDArray[Any], codebook: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.intp]]:
    """Return indices equal to the float64 argmin, squared distances, and the rows that needed double precision.

    Args:
        x: (N, d) finite, C-contiguous, float32 or float64.
        codebook: (K, d) finite, C-contiguous, of the same dtype, K >= 1.
    """
    indices, distances, doubtful = scan(x, codebook, pack(codebook, np.float32, certified=True))
    rows = np.flatnonzero(doubtful)
    if len(rows):
        _settle(x, codebook, rows, indices, distances)
    return indices, distances, rows


def _settle(x: NDArray[Any], codebook: NDArray[Any], rows: NDArray[np.intp], indices: Any, distances: Any) -> None:
    """Decide `rows` in double precision; write into `indices` and `distances`."""
    original = _first_of_equals(codebook)
    distinct = codebook if len(original) == len(codebook) else codebook[original]
    packed = pack(distinct, np.float64, certified=True)
    step = max(1, _BATCH_BYTES // (8 * x.shape[1]))
    for start in range(0, len(rows), step):
        batch = rows[start : start + step]
        block = x[batch]
        found, squared, tied = scan(block, distinct, packed)
        if tied.any():
            _compare(block, distinct, packed, np.flatnonzero(tied), (found, squared))
        indices[batch], distances[batch] = original[found], squared


def _first_of_equals(codebook: NDArray[Any]) -> NDArray[np.intp]:
    """Return, ascending, the lowest row number of each distinct codeword (0.0 and -0.0 are equal)."""
    bits = codebook.view(np.uint32 if codebook.dtype == np.float32 else np.uint64)
    firsts = np.unique(_hashes(codebook, bits), return_index=True)[1]
    if len(firsts) == len(codebook):  # different hashes, different codewords
        return np.arange(len(codebook))
    rows = np.ascontiguousarray(codebook + 0.0)  # turns -0.0 into 0.0
    keys = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    return np.sort(np.unique(keys, return_index=True)[1])


@njit(nogil=True, cache=True)
def _hashes(codebook: Any, bits: Any) -> Any:
    """Return a 64-bit polynomial hash of each row; equal rows have equal hashes."""
    found = np.zeros(bits.shape[0], np.uint64)
    for k in range(bits.shape[0]):
        for t in range(bits.shape[1]):
            word = np.uint64(bits[k, t]) if codebook[k, t] != 0.0 else np.uint64(0)
            mixed = (found[k] ^ word) * np.uint64(0x9E3779B97F4A7C15)
            found[k] = mixed ^ (mixed >> np.uint64(29))
    return found


def _compare(x: NDArray[Any], codebook: NDArray[Any], packed: Any, rows: NDArray[np.intp], out: tuple[Any, Any]) -> None:
    """Settle `rows` by the definition, among the codewords that the double-precision bound leaves standing."""
    indices, distances = out
    settings = (packed.scale, packed.growth, packed.limits.underflow)
    step = max(1, _CANDIDATE_ELEMENTS // len(codebook))

    def work(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            here = rows[first : min(stop, first + step)]
            row, candidate = np.nonzero(_standing(x[here], codebook, packed.centre, packed.norms, settings))
            squared = np.empty(len(row))
            part = max(1, _CANDIDATE_ELEMENTS // x.shape[1])
            with np.errstate(over="ignore"):
                for at in range(0, len(row), part):
                    pairs = slice(at, at + part)
                    # The expression of the definition, on contiguous rows: the same order of additions, the same bits.
                    vectors = x[here[row[pairs]]].astype(np.float64)
                    squared[pairs] = ((vectors - codebook[candidate[pairs]]) ** 2).sum(axis=-1)
            # Sorted by row, then distance, then codeword: the first of each row is its float64 argmin.
            order = np.lexsort((candidate, squared, row))
            first_of_row = order[np.flatnonzero(np.diff(row[order], prepend=-1))]
            indices[here], distances[here] = candidate[first_of_row], squared[first_of_row]

    in_threads(work, len(rows))


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _standing(x: Any, codebook: Any, centre: Any, norms: Any, settings: Any) -> Any:
    """Return (rows, K) booleans: codewords whose lower bound does not exceed the lowest upper bound of their row."""
    scale, growth, underflow = settings
    count, dim = codebook.shape
    standing = np.ones((x.shape[0], count), np.bool_)
    row, lower = np.empty(dim), np.empty(count)
    for r in range(x.shape[0]):
        total = 0.0
        for t in range(dim):
            row[t] = (x[r, t] - centre[t]) * scale
            total += row[t] * row[t]
        length = np.sqrt(total) * (1.0 + 1e-6)
        ceiling = np.inf
        for k in range(count):
            product = 0.0
            for t in range(dim):
                product += row[t] * ((codebook[k, t] - centre[t]) * scale)
            error = growth * norms[k] * (norms[k] + 2.0 * length) + 4.0 * (dim + 4) * 1.2e-16 * (length + norms[k]) ** 2
            score = norms[k] * norms[k] - 2.0 * product
            lower[k] = score - error - underflow
            ceiling = min(ceiling, score + error + underflow)
        for k in range(count):
            # A bound that overflowed excludes nobody.
            standing[r, k] = not (lower[k] > ceiling)
    return standing
