"""What an asymmetric distance is a sum of: terms that a query looks up, a code at a time [jegou2011product].

For slices `||q - x̂||² = rest + Σ_s ||w_s - c_sk||²`, w the query along the axes. For stages, q' and c' centred,
`||q - x̂||² = ||q'||² + ||Σ_s c'_sk||² - 2 Σ_s q'·c'_sk`; the middle term is found once for every code.

Letters: Q queries, S streams, K_s codewords of a stream, m coordinates along the axes, B codes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zador.quantizers.product import ProductQuantizer
from zador.quantizers.residual import ResidualQuantizer
from zador.quantizers.screen import LINE, add_squares
from zador.quantizers.vector import VectorQuantizer
from zador.search.threads import in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.quantizers.base import Quantizer
    from zador.quantizers.found import Heaps

__all__ = ["Tables", "aligned", "tables_of"]

_CACHE_LINE = 64


@dataclass(frozen=True, eq=False)
class Tables:
    """Queries and codewords in float64, as far as distances between them need them.

    Attributes:
        points: (Q, m) queries along the axes.
        rest: (Q,) the part of a squared distance that no index changes.
        columns: S index arrays, the coordinates of a point that a stream sees; None where codewords add up.
        codebooks: S tables (K_s, d_s).
    """

    points: NDArray[np.float64]
    rest: NDArray[np.float64]
    columns: tuple[NDArray[np.int64], ...] | None
    codebooks: tuple[NDArray[np.float64], ...]

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """(S,) the row of the common table (ΣK_s, ·) where a stream begins."""
        return np.cumsum([0, *(len(codebook) for codebook in self.codebooks[:-1])])

    @property
    def size(self) -> int:
        """ΣK_s."""
        return sum(len(codebook) for codebook in self.codebooks)

    @cached_property
    def magnitude(self) -> float:
        """A bound on every term and every sum of them; infinite if that overflows."""
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = [_longest(table) for table in (self.points, *self.codebooks)]
            bound = np.square(np.float64(math.fsum(lengths))) + _longest(self.rest[:, None])
        return float(bound) if np.isfinite(bound) else math.inf

    def fill(self, queries: slice, out: NDArray[np.float64]) -> None:
        """Write the terms (ΣK_s, n) of n queries; each is computed by itself, in one order whatever stands beside it."""
        points = self.points[queries]
        for s, (codebook, first) in enumerate(zip(self.codebooks, self.firsts, strict=True)):
            part = out[first : first + len(codebook)]
            if self.columns is None:
                _products(points, codebook, -2.0, part)
            else:
                _squared_distances(np.ascontiguousarray(points[:, self.columns[s]]), codebook, part)

    def squared_lengths(self, codes: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return (B,) `||Σ_s c_s||²` of codes (B, S), rows of the common table, where codewords add up; else zeros.

        A few coordinates at a time: their part of the table stays in the cache.
        """
        if self.columns is not None:
            return np.zeros(len(codes))
        table, squares = np.concatenate(self.codebooks), np.zeros((len(codes), LINE))
        part = aligned((len(table), LINE), np.float64)
        for axis in range(0, table.shape[1], LINE):
            some = table[:, axis : axis + LINE]
            part[:, : some.shape[1]], part[:, some.shape[1] :] = some, 0.0
            in_threads(lambda start, stop: _add_squares(codes[start:stop], part, squares[start:stop]), len(codes))
        return np.asarray(squares.sum(axis=1))

    def settle(self, queries: slice, indices: NDArray[Any], heaps: Heaps) -> None:
        """Where codewords add up, replace the squared distances that were found by `||q' - Σ_s c'_s||²`.

        A distance that is small beside the lengths it is a difference of gets its digits back.
        """
        if self.columns is None:
            points, table = self.points[queries], np.concatenate(self.codebooks)

            def work(start: int, stop: int) -> None:
                for q in range(start, stop):
                    codes = indices[heaps.numbers[q]].astype(np.int64) + self.firsts
                    _distances_to_sums(points[q], table, codes, heaps.distances[q])

            in_threads(work, len(points), smallest=1)


def tables_of(quantizer: Quantizer, queries: NDArray[np.float64]) -> Tables | None:
    """Return the tables for queries (Q, D), or None where codes have to be decoded: no sum of codewords, or overflow."""
    tables = None
    with np.errstate(over="ignore", invalid="ignore"):
        if isinstance(quantizer, VectorQuantizer):
            everything = (np.arange(quantizer.dim),)
            tables = Tables(queries, np.zeros(len(queries)), everything, _doubles((quantizer.codewords,)))
        if isinstance(quantizer, ProductQuantizer):
            tables = _of_slices(quantizer, queries)
        if isinstance(quantizer, ResidualQuantizer):
            tables = _of_stages(quantizer, queries)
    return tables if tables is not None and math.isfinite(tables.magnitude) else None


def _of_slices(quantizer: ProductQuantizer, queries: NDArray[np.float64]) -> Tables:
    points, rest = queries, np.zeros(len(queries))
    if quantizer.frame is not None:
        axes = quantizer.frame.directions.astype(np.float64)
        centred = queries - quantizer.frame.mean.astype(np.float64)
        points = _along(centred, axes)
        if axes.shape[1] < len(axes):
            rest = ((centred - _along(points, axes.T)) ** 2).sum(axis=1)
    return Tables(points, rest, quantizer.columns, _doubles(quantizer.codebooks))


def _of_stages(quantizer: ResidualQuantizer, queries: NDArray[np.float64]) -> Tables:
    codebooks = _doubles(quantizer.codebooks)
    # An offset that a stage carries (the mean of the data, in an imported quantizer) would cost digits in every term. The
    # median: a wild codeword must not move the others.
    offsets = [np.median(codebook, axis=0) for codebook in codebooks]
    points = queries - (quantizer.mean.astype(np.float64) + np.sum(offsets, axis=0))
    centred = tuple(codebook - offset for codebook, offset in zip(codebooks, offsets, strict=True))
    return Tables(points, (points**2).sum(axis=1), None, centred)


def _doubles(codebooks: tuple[NDArray[Any], ...]) -> tuple[NDArray[np.float64], ...]:
    return tuple(np.ascontiguousarray(codebook, np.float64) for codebook in codebooks)


def _along(x: NDArray[np.float64], axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `x @ axes`, every row by itself: what a query finds does not depend on the ones beside it."""
    out, rows = np.empty((axes.shape[1], len(x))), np.ascontiguousarray(axes.T)
    in_threads(lambda start, stop: _products(x[start:stop], rows, 1.0, out[:, start:stop]), len(x), smallest=LINE)
    return np.ascontiguousarray(out.T)


def _longest(table: NDArray[np.float64]) -> float:
    return math.sqrt(float((table**2).sum(axis=1).max(initial=0.0)))


def aligned(shape: tuple[int, ...], dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """Return zeros that begin where a line of the cache does, or every line of a table would lie across two of them."""
    size = np.dtype(dtype).itemsize * math.prod(shape)
    raw = np.zeros(size + _CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % _CACHE_LINE
    return raw[start : start + size].view(dtype).reshape(shape)


@njit(nogil=True, cache=True)
def _add_squares(codes: Any, table: Any, squares: Any) -> None:
    add_squares(codes, table, squares)


@njit(nogil=True, cache=True)
def _distances_to_sums(point: Any, table: Any, codes: Any, out: Any) -> None:
    rest = np.empty_like(point)
    for row in range(codes.shape[0]):
        rest[:] = point
        for s in range(codes.shape[1]):
            line = table[codes[row, s]]
            for t in range(rest.shape[0]):
                rest[t] -= line[t]
        out[row] = (rest * rest).sum()


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _products(points: Any, codebook: Any, factor: float, out: Any) -> None:
    for k in range(codebook.shape[0]):
        for q in range(points.shape[0]):
            total = 0.0
            for t in range(points.shape[1]):
                total += points[q, t] * codebook[k, t]
            out[k, q] = factor * total


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _squared_distances(points: Any, codebook: Any, out: Any) -> None:
    for k in range(codebook.shape[0]):
        for q in range(points.shape[0]):
            total = 0.0
            for t in range(points.shape[1]):
                difference = points[q, t] - codebook[k, t]
                total += difference * difference
            out[k, q] = total
