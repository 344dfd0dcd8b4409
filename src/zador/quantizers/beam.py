"""Beam search through the stages of a residual quantizer: the B best partial sums are carried on, not only the best.

Letters: n rows, d coordinates, B the beam, K codewords of a stage, S stages, R rows of a block of the search kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zador.search.simd import PANEL, block_rows, lower_distances
from zador.search.threads import in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["beam_search", "packed_stages"]

_SMALLEST_TASK = 64


def packed_stages(codebooks: tuple[NDArray[Any], ...]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return, for each codebook (K, d), panels (P, d, PANEL) of `-2 c` and biases (P * PANEL,) of `||c||²`.

    The padding of the last panel has an infinite bias: it is never chosen.
    """
    packed = []
    for codebook in codebooks:
        size, dim = codebook.shape
        count = -(-size // PANEL)
        rows = np.zeros((count * PANEL, dim), codebook.dtype)
        rows[:size] = -2 * codebook
        bias = np.full(count * PANEL, np.inf, codebook.dtype)
        bias[:size] = (codebook.astype(np.float64) ** 2).sum(axis=1)
        packed.append((np.ascontiguousarray(rows.reshape(count, PANEL, dim).transpose(0, 2, 1)), bias))
    return packed


def beam_search(
    x: NDArray[Any],
    codebooks: tuple[NDArray[Any], ...],
    packed: list[tuple[NDArray[Any], NDArray[Any]]],
    beam: int,
) -> NDArray[np.int64]:
    """Return for each row the indices (n, S) of the best sum `Σ_s c_s` among those that a beam of width B reaches.

    A stage extends every partial sum of a row by every codeword and keeps the B nearest. Scores are differences of the
    explicit residual, so that neither an offset of the data nor the energy of earlier stages costs digits.

    Args:
        x: (n, d) contiguous, float32 or float64.
        codebooks: S tables (K_s, d) of the same dtype.
        packed: what `packed_stages` makes of them.
        beam: B >= 1.
    """
    count, dim = x.shape
    out = np.empty((count, len(codebooks)), np.int64)

    def work(start: int, stop: int) -> None:
        rows = stop - start
        residuals = np.ascontiguousarray(x[start:stop, None, :])
        paths = np.zeros((rows, 1, 0), np.int64)
        for codebook, (panels, bias) in zip(codebooks, packed, strict=True):
            live = residuals.shape[1]
            width = min(beam, live * len(codebook))
            parents, chosen = np.empty((rows, width), np.int64), np.empty((rows, width), np.int64)
            _extend(residuals.reshape(rows * live, dim), live, panels, bias, (parents, chosen))
            new = np.empty((rows, width, dim), x.dtype)
            _descend(residuals, codebook, parents, chosen, new)
            residuals = new
            earlier = np.take_along_axis(paths, parents[:, :, None], axis=1)
            paths = np.concatenate([earlier, chosen[:, :, None]], axis=2)
        out[start:stop] = paths[np.arange(rows), _nearest_zero(residuals)]

    in_threads(work, count, smallest=_SMALLEST_TASK)
    return out


@njit(nogil=True, cache=True)
def _extend(residuals: Any, live: int, panels: Any, bias: Any, out: Any) -> None:
    """Write, for each row, the parents (which of its `live` residuals) and codewords of its best extensions, best first."""
    parents, chosen = out
    dim, count = residuals.shape[1], residuals.shape[0]
    width = parents.shape[1]
    size = _lanes(residuals)
    block = np.zeros((dim, size), residuals.dtype)
    norms = np.zeros(size, residuals.dtype)
    unlimited = np.full(size, np.inf, residuals.dtype)
    scores = np.empty((PANEL, size), residuals.dtype)
    best = np.full((parents.shape[0], width), np.inf, residuals.dtype)
    worst = np.empty(size, residuals.dtype)
    # The residuals of a row are searched in one order whatever stands before it, so that ties always end alike.
    span = (size // live) * live if live <= size else live
    for group in range(0, count, span):
        for first in range(group, min(group + span, count), size):
            here = min(size, group + span - first, count - first)
            _load(residuals, first, here, block, norms)
            for r in range(here):
                worst[r] = best[(first + r) // live, width - 1]
            worst[here:] = -np.inf
            for panel in range(panels.shape[0]):
                start = panel * PANEL
                lower_distances(block, panels[panel], bias[start : start + PANEL], norms, unlimited, scores)
                for k in range(PANEL):
                    if not _any_below(scores[k], worst):
                        continue
                    for r in range(here):
                        row = (first + r) // live
                        if scores[k, r] < best[row, width - 1]:
                            _insert(best[row], parents[row], chosen[row], scores[k, r], (first + r) % live, start + k)
                        worst[r] = best[row, width - 1]


@njit(nogil=True, cache=True, inline="always")
def _any_below(scores: Any, worst: Any) -> bool:
    hits = 0
    for r in range(scores.shape[0]):
        hits += scores[r] < worst[r]
    return hits > 0


@njit(nogil=True, cache=True, inline="always")
def _lanes(residuals: Any) -> int:
    return _LANES_4 if residuals.itemsize == 4 else _LANES_8  # noqa: PLR2004 - bytes of a float32


_LANES_4, _LANES_8 = block_rows(4), block_rows(8)


@njit(nogil=True, cache=True, inline="always")
def _load(residuals: Any, first: int, here: int, block: Any, norms: Any) -> None:
    for r in range(here):
        total = norms.dtype.type(0.0)
        for t in range(residuals.shape[1]):
            value = residuals[first + r, t]
            block[t, r] = value
            total += value * value
        norms[r] = total


@njit(nogil=True, cache=True, inline="always")
def _insert(best: Any, parents: Any, chosen: Any, score: Any, parent: int, codeword: int) -> None:
    place = best.shape[0] - 1
    while place > 0 and best[place - 1] > score:
        best[place] = best[place - 1]
        parents[place] = parents[place - 1]
        chosen[place] = chosen[place - 1]
        place -= 1
    best[place] = score
    parents[place] = parent
    chosen[place] = codeword


@njit(nogil=True, cache=True)
def _descend(residuals: Any, codebook: Any, parents: Any, chosen: Any, new: Any) -> None:
    for row in range(parents.shape[0]):
        for b in range(parents.shape[1]):
            for t in range(codebook.shape[1]):
                new[row, b, t] = residuals[row, parents[row, b], t] - codebook[chosen[row, b], t]


@njit(nogil=True, cache=True)
def _nearest_zero(residuals: Any) -> Any:
    """Return for each row which of its residuals is shortest."""
    out = np.zeros(residuals.shape[0], np.int64)
    for row in range(residuals.shape[0]):
        lowest = np.inf
        for b in range(residuals.shape[1]):
            total = 0.0
            for t in range(residuals.shape[2]):
                total += float(residuals[row, b, t]) ** 2
            if total < lowest:
                lowest = total
                out[row] = b
    return out
