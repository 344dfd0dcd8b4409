"""Nearest codeword on the CPU: blocks of rows run past cache-sized runs of panels; no N×K array ever exists.

Threads take ranges of rows and hold no lock; every row is computed by itself, so their number changes no result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zador.search.simd import PANEL, block_rows, panel_scores, scan_panels
from zador.search.threads import in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.search.packed import PackedCodebook

__all__ = ["scan"]

# Blocks of rows and runs of panels that are at work together: both fit into a private second-level cache.
_ROWS_BYTES = 1 << 16
_PANELS_BYTES = 1 << 18


def scan(
    x: NDArray[Any], codebook: NDArray[Any], packed: PackedCodebook
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return for each row the index with the lowest score, the squared distance to it, and whether that is in doubt.

    Args:
        x: (N, d) C-contiguous float32 or float64.
        codebook: (K, d) C-contiguous, of the same dtype.
        packed: `codebook`, packed in the precision to work in; without a certificate every doubt is a guess.
    """
    count = len(x)
    indices, distances = np.empty(count, np.int64), np.empty(count, x.dtype)
    doubtful = np.empty(count, np.bool_)
    dtype, width = packed.panels.dtype, packed.panels.shape[1]
    rows = block_rows(dtype.itemsize)
    blocks = max(1, _ROWS_BYTES // (width * rows * dtype.itemsize))
    run = max(1, _PANELS_BYTES // (width * PANEL * dtype.itemsize))

    def work(start: int, stop: int) -> None:
        held = min(blocks, -(-(stop - start) // rows))
        scratch = (
            np.empty((held, width, rows), dtype),
            np.empty((held, rows), dtype),
            np.empty((held, rows), dtype),
            np.empty((held, rows), np.int32 if dtype == np.float32 else np.int64),
            np.empty(PANEL, dtype),
        )
        limits = packed.limits
        settings = (packed.scale, packed.growth, run, (limits.underflow, limits.row, limits.score))
        table = (packed.panels, packed.bias, packed.norms, packed.centre)
        out = (indices[start:stop], distances[start:stop], doubtful[start:stop])
        _scan_rows(x[start:stop], codebook, table, settings, scratch, out)

    in_threads(work, count)
    return indices, distances, doubtful


@njit(nogil=True, cache=True)
def _scan_rows(x: Any, codebook: Any, table: Any, settings: Any, scratch: Any, out: Any) -> None:
    panels, bias, _norms, centre = table
    scale, growth, run, _limits = settings
    rows, best, second, number, _scores = scratch
    blocks, _width, size = rows.shape
    for first in range(0, x.shape[0], blocks * size):
        here = min(blocks, (x.shape[0] - first + size - 1) // size)
        for block in range(here):
            _pack_rows(x, first + block * size, centre, scale, growth, rows[block])
        best[:] = np.inf
        second[:] = np.inf
        number[:] = 0
        for start in range(0, panels.shape[0], run):
            stop = min(panels.shape[0], start + run)
            for block in range(here):
                scan_panels(rows[block], panels, bias, (start, stop), best[block], second[block], number[block])
        for block in range(here):
            _settle(x, codebook, table, settings, scratch, out, (block, first + block * size))


@njit(nogil=True, cache=True, inline="always")
def _pack_rows(x: Any, first: int, centre: Any, scale: float, growth: float, rows: Any) -> None:
    """Write R centred, scaled, rounded vectors into `rows` (d or d + 1, R), and their norms behind them."""
    dim = x.shape[1]
    count = min(rows.shape[1], x.shape[0] - first)
    if count < rows.shape[1]:
        rows[:] = 0.0
    for r in range(count):
        for t in range(dim):
            rows[t, r] = (x[first + r, t] - centre[t]) * scale
    if growth > 0.0:
        rows[dim] = 0.0
        for t in range(dim):
            for r in range(rows.shape[1]):
                rows[dim, r] += rows[t, r] * rows[t, r]
        # Rounded up by more than the sum can have lost: the bound may be too large by a hair, never too small.
        for r in range(rows.shape[1]):
            rows[dim, r] = np.sqrt(rows[dim, r]) * (1.0 + growth + 1e-6)


@njit(nogil=True, cache=True, inline="always")
def _settle(x: Any, codebook: Any, table: Any, settings: Any, scratch: Any, out: Any, place: Any) -> None:
    """Find the codeword within the best panel, its distance, and whether any other could be nearer."""
    panels, bias, norms, _centre = table
    _scale, growth, _run, (underflow, longest, highest) = settings
    rows, _best, second, number, scores = scratch
    indices, distances, doubtful = out
    block, first = place
    dim = x.shape[1]
    here, numbers, seconds = rows[block], number[block], second[block]
    for r in range(min(here.shape[1], x.shape[0] - first)):
        panel = numbers[r]
        panel_scores(here, r, panels, panel, bias, scores)
        low, lane = scores[0], 0
        for k in range(1, PANEL):
            score = scores[k]
            # Selections, not branches: which codeword wins is anybody's guess, the processor's too.
            lane = k if score < low else lane
            low = min(low, score)
        index = panel * PANEL + lane
        indices[first + r] = index
        distances[first + r] = _squared_distance(x, first + r, codebook, index)
        if growth > 0.0:
            rest = seconds[r]
            scores[lane] = np.inf
            for k in range(PANEL):
                rest = min(rest, scores[k])
            norm, length = norms[index], float(here[dim, r])
            error = growth * norm * (norm + 2.0 * length)
            # The float64 definition itself rounds; a gap below its error is left to it as well.
            own = 4.0 * (dim + 4) * 1.2e-16 * (length + norm) ** 2
            ceiling = low + 2.0 * error * (1.0 + 1e-6) + own + underflow
            # Written so that NaN, from an overflow, counts as doubt.
            doubtful[first + r] = not (rest > ceiling and ceiling < highest and length < longest)


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _squared_distance(x: Any, row: int, codebook: Any, index: int) -> float:
    total = 0.0
    for t in range(x.shape[1]):
        difference = float(x[row, t]) - float(codebook[index, t])
        total += difference * difference
    return total
