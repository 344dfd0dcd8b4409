"""The k nearest among codes, read off tables: no vector is decoded.

**Screen.** Terms are scaled, lowered by `g |T|`, g = n u, n = S + 8, and rounded to single precision: their sum can only be
below the true one, whatever each rounding does. A code whose sum exceeds the k-th best so far is no neighbour; the others
are added up in float64 from terms in float64. Each term pays for itself, so that a wild codeword costs nobody else.

Queries go in groups of `LINE`, whose terms lie side by side: one line of the cache serves all of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from zador.quantizers.found import Heaps, empty_heaps, offer
from zador.quantizers.screen import LINE, screen_codes
from zador.quantizers.tables import aligned
from zador.search.threads import in_threads, thread_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.quantizers.tables import Tables

__all__ = ["scan_codes"]

_TABLE_BYTES = 1 << 26
_BLOCK_ROWS = 1 << 16
# Codes between two looks at how far the k-th best is by now.
_STRIDE = 1 << 8
_UNIT = 2.0**-24
_UNDERFLOW = 2.0**-120
# Makes up for the rounding of a limit itself.
_UP = 1e-6


class _Groups(NamedTuple):
    """Queries in groups of LINE, ready to look up: terms (G, ΣK, LINE) in float64, and lowered in float32."""

    terms: NDArray[np.float64]
    lowered: NDArray[np.float32]
    rest: NDArray[np.float64]
    scale: float


class _Codes(NamedTuple):
    """A block of codes (B, S) int32, rows of the common table, with the terms (B,) that no query enters."""

    rows: NDArray[np.int32]
    bias: NDArray[np.float64]
    lowered: NDArray[np.float32]
    first: int


def scan_codes(tables: Tables, indices: NDArray[Any], k: int) -> Heaps:
    """Return the k nearest of each query among indices (N, S), all in range, in memory that does not grow with N."""
    heaps = empty_heaps(len(tables.points), k)
    together = LINE * max(thread_count(), _TABLE_BYTES // (12 * LINE * tables.size))
    for first in range(0, len(tables.points), together):
        queries = slice(first, first + together)
        groups = _prepare(tables, queries)
        some = Heaps(heaps.distances[queries], heaps.numbers[queries])
        for start in range(0, len(indices), _BLOCK_ROWS):
            _scan_block(groups, _block(tables, indices, start), some)
        tables.settle(queries, indices, some)
    return heaps


def _prepare(tables: Tables, queries: slice) -> _Groups:
    rest = tables.rest[queries]
    count = -(-len(rest) // LINE)
    scale = _scale(tables)
    terms = np.zeros((count, tables.size, LINE))
    lowered = aligned(terms.shape, np.float32)

    def work(start: int, stop: int) -> None:
        for group in range(start, stop):
            first = queries.start + group * LINE
            last = min(first + LINE, queries.start + len(rest))
            tables.fill(slice(first, last), terms[group, :, : last - first])
            _lower(terms[group], scale, _growth(tables), lowered[group])

    in_threads(work, count, smallest=1)
    return _Groups(terms, lowered, rest, scale)


def _block(tables: Tables, indices: NDArray[Any], start: int) -> _Codes:
    rows = indices[start : start + _BLOCK_ROWS].astype(np.int32, order="C")
    rows += tables.firsts.astype(np.int32)
    bias = tables.squared_lengths(rows)
    return _Codes(rows, bias, (bias * _scale(tables) * (1 - _growth(tables))).astype(np.float32), start)


def _scan_block(groups: _Groups, codes: _Codes, heaps: Heaps) -> None:
    in_threads(lambda start, stop: _search(groups, codes, heaps, start, stop), len(groups.terms), smallest=1)


def _scale(tables: Tables) -> float:
    """Return the power of two that brings every term to at most 1."""
    return 2.0 ** -int(np.clip(math.frexp(tables.magnitude)[1], -1000, 1000))


def _growth(tables: Tables) -> float:
    return (len(tables.codebooks) + 8) * _UNIT


@njit(nogil=True, cache=True)
def _lower(terms: Any, scale: float, growth: float, out: Any) -> None:
    for k in range(terms.shape[0]):
        for q in range(terms.shape[1]):
            value = terms[k, q] * scale
            out[k, q] = value - growth * abs(value)


@njit(nogil=True, cache=True)
def _search(groups: Any, codes: Any, heaps: Any, begin: int, end: int) -> None:
    limits, hits = np.empty(LINE, np.float32), np.empty(_STRIDE, np.int32)
    for group in range(begin, end):
        queries = min(LINE, groups.rest.shape[0] - group * LINE)
        for start in range(0, codes.rows.shape[0], _STRIDE):
            stop = min(codes.rows.shape[0], start + _STRIDE)
            limits[:] = -np.inf
            for lane in range(queries):
                query = group * LINE + lane
                most, known = heaps.distances[query, 0] * groups.scale, groups.rest[query] * groups.scale
                limits[lane] = most - known + _UP * (most + known) + _UNDERFLOW
            screen_codes(codes.rows[start:stop], groups.lowered[group], codes.lowered[start:stop], limits, hits)
            for row in range(start, stop):
                if hits[row - start]:
                    _offer_to(groups, codes, heaps, (group, queries, hits[row - start], row))


@njit(nogil=True, cache=True)
def _offer_to(groups: Any, codes: Any, heaps: Any, place: Any) -> None:
    """Add up the distances of a code to the queries of a group that its bits name."""
    group, queries, bits, row = place
    for lane in range(queries):
        if (bits >> lane) & 1:
            query = group * LINE + lane
            total = codes.bias[row]
            for s in range(codes.rows.shape[1]):
                total += groups.terms[group, codes.rows[row, s], lane]
            distance = max(0.0, total + groups.rest[query])
            offer(heaps.distances[query], heaps.numbers[query], distance, codes.first + row)
