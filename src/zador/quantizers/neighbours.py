"""The k nearest among raw vectors: screened in single precision, decided in double, a block of the base at a time.

**Screen.** With queries and base vectors centred, scaled and rounded to single precision, the score `||x||² - 2 q·x` of a
pair is off by at most `e = g ||x|| (||x|| + 2 ||q||)`, g = n u / (1 - n u), n = d + 16 (`search/certified.py`). A pair
whose score exceeds `worst - ||q||² + e`, for the k-th best squared distance found so far, is no neighbour. All others are
computed as the definition says, in float64 and from the vectors as they came: centring and scaling decide nothing.

Letters: d coordinates, Q queries, R = BLOCK queries of a block, P panels of base vectors.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zador.errors import DataError
from zador.quantizers.found import Found, as_queries, checked_count, empty_heaps, found_in, offer
from zador.quantizers.screen import BLOCK, LANES, PANEL, ROW_VECTORS, screen_vectors
from zador.search.threads import in_threads
from zador.validation import as_matrix, check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.quantizers.found import Heaps

__all__ = ["VectorScan", "block_rows", "nearest_neighbours"]

_BLOCK_BYTES = 1 << 23
_PANELS_BYTES = 1 << 19
_SAMPLE = 1024
# Longer than this, in typical distances from the centre, a vector is not screened but computed.
_LONGEST = 2.0**40
_UNDERFLOW = 2.0**-100
# Makes up for the rounding of a limit itself.
_UP = 1e-6


def nearest_neighbours(base: Any, queries: Any, k: int) -> Found:
    """Return the k smallest `||q - x_n||²` of every query q among base vectors x_n, exactly: the truth of `metrics.recall`.

    Distances, and so the order, are those of the definition in float64, for any offset, scale or arrangement of the data.
    No (Q, N) array exists: beyond the queries in float64 and what is returned, it takes some 30 MiB.

    Args:
        base: (N, D) NumPy array, torch tensor, of any float type; a memory-mapped one is read in blocks.
        queries: (Q, D), Q >= 0.
        k: neighbours of each, 1 to N.

    Returns:
        `Found` of the kind that `queries` has; on equal distances the lower number comes first.

    Raises:
        UsageError: k is no whole number of at least 1.
        DataError: shapes that do not fit, or k > N.
        NonFiniteError: NaN or infinity.

    Example:
        >>> found = nearest_neighbours([[0.0], [1.0], [5.0]], [[0.9], [4.0]], k=2)
        >>> found.indices.tolist(), found.squared_distances.round(2).tolist()
        ([[1, 0], [2, 1]], [[0.01, 0.81], [1.0, 9.0]])
    """
    vectors = as_matrix(base, "base")
    points = as_queries(queries, vectors.shape[1], "the base")
    count = checked_count(k, len(vectors))
    check_finite(vectors, "base")
    scan = VectorScan(points, count, vectors[:: -(-len(vectors) // _SAMPLE)])
    step = block_rows(vectors.shape[1])
    for start in range(0, len(vectors), step):
        scan.take(vectors[start : start + step], start)
    return found_in(scan.heaps, queries)


def block_rows(dim: int) -> int:
    """Return how many base vectors of D coordinates are at work together."""
    return max(PANEL, _BLOCK_BYTES // (4 * dim) // PANEL * PANEL)


class VectorScan:
    """A search among vectors that come in blocks; what has been found so far is in `heaps`.

    Attributes:
        heaps: the k nearest of every query.
    """

    heaps: Heaps

    def __init__(self, queries: NDArray[np.float64], k: int, sample: NDArray[Any]) -> None:
        """Prepare to search.

        Args:
            queries: (Q, d), finite and contiguous.
            k: neighbours of each.
            sample: (n, d) some of the vectors to come, n >= 1: where they lie and how far from each other. It is for
                speed only.
        """
        self.heaps = empty_heaps(len(queries), k)
        self._queries = queries
        rows = sample.astype(np.float64)
        self._centre = np.median(rows, axis=0)
        with np.errstate(over="ignore"):
            typical = float(np.median(np.sqrt(((rows - self._centre) ** 2).sum(axis=1))))
        known = math.isfinite(typical) and typical > 0
        self._scale = 2.0 ** -int(np.clip(math.frexp(typical)[1], -1000, 1000)) if known else 1.0
        blocks = -(-len(queries) // BLOCK)
        self._packed = np.zeros((blocks, queries.shape[1], BLOCK), np.float32)
        self._lengths = np.zeros(blocks * BLOCK, np.float64)
        _pack_queries(queries, self._centre, self._scale, self._packed, self._lengths)
        roundings = (queries.shape[1] + 16) * 2.0**-24
        if roundings >= 1:
            raise DataError(f"queries: vectors of {queries.shape[1]} coordinates are too long to search")
        self._growth = roundings / (1 - roundings)

    def take(self, block: NDArray[Any], first: int) -> None:
        """Search vectors (n, d), finite, whose numbers are `first` and the following."""
        vectors = np.ascontiguousarray(block, np.float64 if block.dtype == np.float64 else np.float32)
        count, dim = vectors.shape
        panels = np.empty((-(-count // PANEL), dim, PANEL), np.float32)
        bias = np.empty((len(panels), PANEL), np.float32)
        longest = np.empty(len(panels), np.float32)

        def pack(start: int, stop: int) -> None:
            _pack_panels(vectors, (self._centre, self._scale), (start, stop), panels, bias, longest)

        def search(start: int, stop: int) -> None:
            _search(
                (vectors, first, panels, bias, longest),
                (self._queries, self._packed, self._lengths),
                (self._scale, self._growth, run),
                self.heaps,
                (start, stop),
            )

        run = max(1, _PANELS_BYTES // panels[0].nbytes)
        in_threads(pack, len(panels))
        in_threads(search, len(self._packed), smallest=1)


@njit(nogil=True, cache=True)
def _pack_queries(queries: Any, centre: Any, scale: float, packed: Any, lengths: Any) -> None:
    """Write blocks (d, R) of centred, scaled queries, and their lengths; a query out of range has length NaN."""
    for r in range(queries.shape[0]):
        total = 0.0
        for t in range(queries.shape[1]):
            total += ((queries[r, t] - centre[t]) * scale) ** 2
        length = np.sqrt(total)
        lengths[r] = length
        if not length <= _LONGEST:
            lengths[r] = np.nan
            continue
        for t in range(queries.shape[1]):
            packed[r // BLOCK, t, r % BLOCK] = (queries[r, t] - centre[t]) * scale


@njit(nogil=True, cache=True)
def _pack_panels(x: Any, frame: Any, part: Any, panels: Any, bias: Any, longest: Any) -> None:
    """Write panels of `-2 x`, biases `||x||²`, and the greatest length in each; vectors out of range always pass."""
    centre, scale = frame
    for panel in range(part[0], part[1]):
        longest[panel] = 0.0
        panels[panel] = 0.0
        bias[panel] = np.inf
        for k in range(min(PANEL, x.shape[0] - panel * PANEL)):
            row = panel * PANEL + k
            total = 0.0
            for t in range(x.shape[1]):
                total += ((x[row, t] - centre[t]) * scale) ** 2
            length = np.sqrt(total)
            if not length <= _LONGEST:
                bias[panel, k] = -np.inf
                continue
            for t in range(x.shape[1]):
                panels[panel, t, k] = -2.0 * ((x[row, t] - centre[t]) * scale)
            bias[panel, k] = total
            longest[panel] = max(longest[panel], length * (1.0 + _UP))


@njit(nogil=True, cache=True)
def _search(base: Any, points: Any, settings: Any, heaps: Any, part: Any) -> None:
    x, _first, panels, bias, longest = base
    queries, packed, lengths = points
    scale, growth, run = settings
    limits, hits = np.empty(BLOCK, np.float32), np.empty((PANEL, ROW_VECTORS), np.int32)
    worst, length = np.empty(BLOCK, np.float32), np.zeros(BLOCK, np.float32)
    for begin in range(0, panels.shape[0], run):
        for block in range(part[0], part[1]):
            start = block * BLOCK
            worst[:] = -np.inf
            for r in range(min(BLOCK, queries.shape[0] - start)):
                worst[r] = _most(heaps.distances[start + r, 0], scale, lengths[start + r])
                length[r] = lengths[start + r]
            for panel in range(begin, min(panels.shape[0], begin + run)):
                factor = np.float32(growth * (1.0 + 1e-3)) * longest[panel]
                for r in range(BLOCK):
                    limits[r] = worst[r] + factor * (longest[panel] + np.float32(2.0) * length[r])
                screen_vectors(packed[block], panels[panel], bias[panel], limits, hits)
                for k in range(min(PANEL, x.shape[0] - panel * PANEL)):
                    for j in range(ROW_VECTORS):
                        if hits[k, j]:
                            _offer_to(base, points, (scale, worst), heaps, (start, j, hits[k, j], panel * PANEL + k))


@njit(nogil=True, cache=True)
def _offer_to(base: Any, points: Any, settings: Any, heaps: Any, place: Any) -> None:
    """Compute the distances of a vector to the queries that the bits of a register name; lower what `worst` allows."""
    x, first, _panels, _bias, _longest = base
    queries, _packed, lengths = points
    scale, worst = settings
    start, register, bits, row = place
    for lane in range(LANES):
        r = register * LANES + lane
        query = start + r
        if (bits >> lane) & 1 and query < queries.shape[0]:
            distance = _squared_distance(queries, query, x, row)
            if offer(heaps.distances[query], heaps.numbers[query], distance, first + row):
                worst[r] = _most(heaps.distances[query, 0], scale, lengths[query])


@njit(nogil=True, cache=True)
def _most(distance: float, scale: float, length: float) -> float:
    """Return what a score may be, less its error bound: rounded up, and NaN, which holds nobody back, out of range."""
    score = distance * scale * scale - length * length
    # Relative to both terms, whose difference it is.
    return score + _UP * (distance * scale * scale + length * length) + _UNDERFLOW


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _squared_distance(queries: Any, query: int, x: Any, row: int) -> float:
    total = 0.0
    for t in range(queries.shape[1]):
        difference = queries[query, t] - float(x[row, t])
        total += difference * difference
    return total
