"""Lloyd's algorithm: every vector to its nearest codeword, every codeword to the mean of its vectors, and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zador.codebooks.learn.empty import relocate_empty
from zador.search import nearest_of_clean
from zador.search.threads import in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.codebooks.learn.empty import EmptyPolicy

__all__ = ["Lloyd", "LloydInfo", "LloydResult", "LloydState", "cell_sums"]

# Sums are held once a part, in at most this much memory (8 MiB) unless a single part needs more; starting a thread and
# adding up the parts pays off from about so many numbers a part.
_PARTS, _PARTS_ELEMENTS, _ELEMENTS_PER_PART = 8, 1 << 20, 1 << 22


@dataclass(frozen=True, eq=False)
class LloydState:
    """What the next step needs: the codewords (K, d), in the dtype of the data."""

    codewords: NDArray[Any]


@dataclass(frozen=True, eq=False)
class LloydInfo:
    """What a step saw, before it moved the codewords.

    Attributes:
        indices: (N,) nearest codeword of each vector.
        usage: (K,) weight of the vectors of each codeword; counts without weights.
        distortion: weighted mean of the squared error, summed over coordinates.
    """

    indices: NDArray[np.int64]
    usage: NDArray[np.float64]
    distortion: float


@dataclass(frozen=True, eq=False)
class LloydResult:
    """Where a run ended.

    Attributes:
        codewords: (K, d) in the dtype of the data.
        usage: (K,) weight of the training vectors of each codeword.
        history: distortion of the start and after each update; it never increases.
        converged: whether the tolerance was met, rather than the iterations used up.
    """

    codewords: NDArray[Any]
    usage: NDArray[np.float64]
    history: tuple[float, ...]
    converged: bool

    @property
    def distortion(self) -> float:
        """Mean squared error of the training vectors, summed over coordinates."""
        return self.history[-1]


@dataclass(frozen=True)
class Lloyd:
    """Minimise `Σ_n w_n min_k ||x_n - c_k||²` by turns over assignment and codewords [lloyd1982least].

    Assignments are exact (certified search) and means are float64 sums in a fixed order, so the same input gives the same
    bits with any number of threads.

    Attributes:
        iterations: most updates of the codewords.
        tolerance: stop when an update lowers the distortion by less than this share of it; 0 stops when it no longer falls.
        empty: what happens to a codeword that no vector chose: `relocate_empty` or `keep_empty`.

    Example:
        >>> x = np.array([[0.0], [1.0], [9.0], [10.0]])
        >>> result = Lloyd().fit(x, start=x[:2])
        >>> result.codewords.ravel().tolist(), result.history[0], result.history[-1], result.converged
        ([0.5, 9.5], 36.25, 0.25, True)
    """

    iterations: int = 300
    tolerance: float = 1e-5
    empty: EmptyPolicy = field(default=relocate_empty)

    def init(self, codewords: NDArray[Any]) -> LloydState:
        """Return the state that starts from `codewords` (K, d)."""
        return LloydState(codewords)

    def step(
        self, state: LloydState, x: NDArray[Any], weights: NDArray[np.float64] | None = None
    ) -> tuple[LloydState, LloydInfo]:
        """Assign, then move every codeword to the weighted mean of its vectors.

        Args:
            state: the codewords (K, d).
            x: (N, d) finite vectors of the same dtype.
            weights: (N,) or None for ones.

        Returns:
            The moved codewords, and what the assignment to the unmoved ones looked like.
        """
        info, squared = _assign(state.codewords, x, weights)
        sums = cell_sums(x, weights, info.indices, len(state.codewords))
        usage = info.usage.copy()
        self.empty(sums, usage, x, weights, info.indices, squared)
        moved = np.where(usage[:, None] > 0, sums / np.where(usage > 0, usage, 1.0)[:, None], state.codewords)
        return LloydState(moved.astype(x.dtype)), info

    def fit(self, x: NDArray[Any], start: NDArray[Any], weights: NDArray[np.float64] | None = None) -> LloydResult:
        """Run from `start` (K, d) until the tolerance is met or the iterations are used up.

        Args:
            x: (N, d) finite vectors, float32 or float64.
            start: (K, d) finite codewords.
            weights: (N,) non-negative, or None for ones.
        """
        state = self.init(np.ascontiguousarray(start, x.dtype))
        history: list[float] = []
        before, usage = state, np.zeros(len(start))
        for _ in range(self.iterations):
            moved, info = self.step(state, x, weights)
            if history and info.distortion >= history[-1]:
                # Rounding of the codewords can undo the last digit of an update: the better codewords stay.
                return LloydResult(before.codewords, usage, tuple(history), converged=True)
            history.append(info.distortion)
            usage = info.usage
            if len(history) > 1 and history[-2] - history[-1] <= self.tolerance * history[-2]:
                return LloydResult(state.codewords, usage, tuple(history), converged=True)
            before, state = state, moved
        info, _ = _assign(state.codewords, x, weights)
        if history and info.distortion >= history[-1]:
            return LloydResult(before.codewords, usage, tuple(history), converged=True)
        return LloydResult(state.codewords, info.usage, (*history, info.distortion), converged=False)


def _assign(
    codewords: NDArray[Any], x: NDArray[Any], weights: NDArray[np.float64] | None
) -> tuple[LloydInfo, NDArray[np.float64]]:
    found = nearest_of_clean(x, codewords, repeated=True)
    squared = found.squared_distances.astype(np.float64, copy=False)
    usage = np.bincount(found.indices, weights, minlength=len(codewords)).astype(np.float64)
    mean = squared.mean() if weights is None else np.sum(weights * squared) / weights.sum()
    return LloydInfo(found.indices, usage, float(mean)), squared


def cell_sums(
    x: NDArray[Any], weights: NDArray[np.float64] | None, indices: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Return (K, d) sums of the (weighted) vectors of each cell; a row whose index is negative belongs to none.

    Rows are cut into parts that depend on the sizes alone, each part is added up in row order and the parts in theirs: the
    number of threads changes no bit.
    """
    parts = max(1, min(_PARTS, _PARTS_ELEMENTS // (count * x.shape[1]), x.size // _ELEMENTS_PER_PART))
    sums = np.zeros((parts, count, x.shape[1]))
    given = np.ones(0) if weights is None else weights
    edges = np.linspace(0, len(x), parts + 1).astype(np.int64)

    def work(start: int, stop: int) -> None:
        for part in range(start, stop):
            _add_rows(x, given, indices, sums[part], edges[part], edges[part + 1])

    in_threads(work, parts, smallest=1)
    return np.asarray(sums[0] if parts == 1 else sums.sum(axis=0))


@njit(nogil=True, cache=True)
def _add_rows(x: Any, weights: Any, indices: Any, sums: Any, start: int, stop: int) -> None:
    for row in range(start, stop):
        k = indices[row]
        if k < 0:
            continue
        weight = weights[row] if weights.shape[0] > 0 else 1.0
        for t in range(x.shape[1]):
            sums[k, t] += weight * x[row, t]
