"""The k nearest of every query: what a search returns, and the heaps it is kept in while base vectors pass by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from zador.errors import DataError
from zador.validation import as_count, as_matrix, check_finite, is_torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Found", "Heaps", "as_queries", "checked_count", "empty_heaps", "found_in", "offer"]

_NOBODY = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Found:
    """The k nearest base vectors of each query, nearest first; on equal distances the lowest number comes first.

    Attributes:
        indices: (Q, k) int64, numbers of base vectors.
        squared_distances: (Q, k) float64, summed over coordinates.
    """

    indices: Any
    squared_distances: Any


class Heaps(NamedTuple):
    """A heap for every query: its root is the one of its k entries that is farthest, the highest number on ties.

    Attributes:
        distances: (Q, k) float64, infinite where there is no entry yet.
        numbers: (Q, k) int64.
    """

    distances: NDArray[np.float64]
    numbers: NDArray[np.int64]


def as_queries(queries: Any, dim: int, whose: str) -> NDArray[np.float64]:
    """Return queries as a finite (Q, D) float64 matrix.

    Raises:
        DataError: no matrix of numbers, or another number of coordinates than `whose`.
        NonFiniteError: NaN or infinity.
    """
    matrix = as_matrix(queries, "queries")
    if matrix.shape[1] != dim:
        raise DataError(f"queries: got {matrix.shape[1]} coordinates, {whose} {dim}; both need the same D")
    check_finite(matrix, "queries")
    return np.ascontiguousarray(matrix, np.float64)


def checked_count(k: Any, size: int) -> int:
    """Return k, if it is a count and a base of `size` vectors has so many.

    Raises:
        UsageError: no whole number of at least 1.
        DataError: more than the base holds.
    """
    count = as_count(k, "k")
    if count > size:
        raise DataError(f"k={count}, but the base holds {size} vectors; ask for no more than there are")
    return count


def empty_heaps(queries: int, k: int) -> Heaps:
    """Return heaps of k entries each, all infinitely far."""
    return Heaps(np.full((queries, k), np.inf), np.full((queries, k), _NOBODY))


def found_in(heaps: Heaps, queries: Any) -> Found:
    """Return what the heaps hold, sorted, of the kind that `queries` has: arrays, or tensors on its device."""
    order = np.lexsort((heaps.numbers, heaps.distances), axis=-1)
    numbers = np.take_along_axis(heaps.numbers, order, axis=1)
    distances = np.take_along_axis(heaps.distances, order, axis=1)
    if not is_torch(queries):
        return Found(numbers, distances)
    import torch

    return Found(torch.from_numpy(numbers).to(queries.device), torch.from_numpy(distances).to(queries.device))


@njit(nogil=True, cache=True)
def offer(distances: Any, numbers: Any, distance: float, number: int) -> bool:
    """Put an entry in place of the root of a heap (k,), if it comes before it; return whether it did."""
    if not (distance < distances[0] or (distance == distances[0] and number < numbers[0])):
        return False
    size, place = distances.shape[0], 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        right = child + 1
        if right < size and (
            distances[right] > distances[child] or (distances[right] == distances[child] and numbers[right] > numbers[child])
        ):
            child = right
        if distances[child] < distance or (distances[child] == distance and numbers[child] < number):
            break
        distances[place], numbers[place] = distances[child], numbers[child]
        place = child
    distances[place], numbers[place] = distance, number
    return True
