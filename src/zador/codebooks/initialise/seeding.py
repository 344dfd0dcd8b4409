"""The state of a k-means++ run: blocks of neighbouring vectors, each with its distances to the codewords so far.

Vectors are put into the order of a k-d tree and cut into blocks of R, centred on the block's own mean: within a block
numbers are small, so single precision is enough, and a block as a whole can be too far from a candidate to care.
Letters: N vectors, d coordinates, B blocks, R rows of a block, L candidates (in panels of `PANEL`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zador.search.simd import PANEL, block_rows, centre_panel, lower_distances
from zador.search.threads import in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Seeding"]

_BLOCKS_A_TASK = 64
_NO_TREE = 1 << 15


class Seeding:
    """Squared distances `D²` of all vectors to the nearest codeword chosen so far, in blocks that can be skipped.

    Args:
        x: (N, d) finite vectors.
        weights: (N,) non-negative, or None for ones.
    """

    def __init__(self, x: NDArray[Any], weights: NDArray[np.float64] | None) -> None:
        rows, (count, dim) = block_rows(4), x.shape
        blocks = -(-count // rows)
        self._x, self._uniform = x, weights is None
        self._order = np.full(blocks * rows, -1, np.int64)
        self._order[:count] = _neighbours_together(x, rows)
        self._weights = np.zeros((blocks, rows))
        self._weights.ravel()[:count] = 1.0 if weights is None else weights[self._order[:count]]
        self._centres = np.empty((blocks, dim))
        self._rows = np.zeros((blocks, dim, rows), np.float32)
        self._norms = np.zeros((blocks, rows), np.float32)
        self._closest = np.full((blocks, rows), np.inf, np.float32)
        self._potential = np.full(blocks, np.inf)
        self._lowered = np.empty((blocks, 0, rows), np.float32)
        table = (self._order.reshape(blocks, rows), self._rows, self._norms, self._centres)
        in_threads(lambda start, stop: _fill(x, *table, start, stop), blocks, smallest=_BLOCKS_A_TASK)

    def first(self, rng: np.random.Generator) -> int:
        """Draw the first codeword, with probability proportional to its weight; return its row number."""
        total = np.cumsum(self._weights.ravel())
        if self._uniform:
            row = int(rng.integers(len(self._x)))
        else:
            row = int(self._order[np.searchsorted(total, rng.random() * total[-1], side="right")])
        return self._add([row])

    def next(self, rng: np.random.Generator, draws: int) -> int:
        """Draw `draws` rows with probability `w D² / Σ w D²`, keep the one that leaves the least `Σ w D²`; return it."""
        total = np.cumsum(self._potential)
        return self._add([self._draw(u, total) for u in rng.random(draws)])

    def _draw(self, u: float, total: NDArray[np.float64]) -> int:
        """Return the row at fraction u of the potential (cumulated over blocks): its block first, then its place."""
        if total[-1] <= 0:  # every vector is a codeword already; any row is as good
            return int(self._order[int(u * len(self._x))])
        target = u * total[-1]
        block = min(int(np.searchsorted(total, target, side="right")), len(total) - 1)
        inside = np.cumsum(self._weights[block] * self._closest[block].astype(np.float64))
        share = inside[-1] * (target - (total[block] - self._potential[block])) / self._potential[block]
        place = min(int(np.searchsorted(inside, share, side="right")), len(inside) - 1)
        while self._weights[block, place] * self._closest[block, place] <= 0:  # rounding at the end of the block
            place -= 1
        return int(self._order[block * self._weights.shape[1] + place])

    def _add(self, rows: list[int]) -> int:
        """Take the best of `rows` as a codeword; return it."""
        panels = -(-len(rows) // PANEL)
        padded = rows + [rows[0]] * (panels * PANEL - len(rows))
        candidates = self._x[padded].astype(np.float64).reshape(panels, PANEL, -1).transpose(0, 2, 1).copy()
        blocks, size = self._closest.shape
        if self._lowered.shape[1] != len(padded):
            self._lowered = np.empty((blocks, len(padded), size), np.float32)
        lowered = self._lowered
        potential = np.empty((blocks, len(padded)))
        state = (self._rows, self._norms, self._centres, self._closest, self._weights, self._potential)
        originals = (self._x, self._order.reshape(blocks, size))

        def work(start: int, stop: int) -> None:
            _evaluate(candidates, state, originals, (lowered, potential), (start, stop))

        in_threads(work, blocks, smallest=_BLOCKS_A_TASK)
        best = int(potential.sum(axis=0).argmin())
        changed = potential[:, best] < self._potential
        self._closest[changed] = lowered[changed, best]
        self._potential[changed] = potential[changed, best]
        return padded[best]


def _neighbours_together(x: NDArray[Any], leaf: int) -> NDArray[np.int64]:
    """Return the rows in the order of the leaves of a k-d tree; few rows are not worth one and stay as they are."""
    from scipy.spatial import KDTree

    if len(x) <= _NO_TREE:
        return np.arange(len(x))
    # The tree's bounding boxes are not needed, only its order.
    return np.asarray(KDTree(x, leafsize=leaf, compact_nodes=False).indices, np.int64)


@njit(nogil=True, cache=True)
def _fill(x: Any, order: Any, rows: Any, norms: Any, centres: Any, start: int, stop: int) -> None:
    """Centre each block on the mean of its rows and store it with rows as the fast axis."""
    dim = x.shape[1]
    for block in range(start, stop):
        centre = centres[block]
        centre[:] = 0.0
        count = 0
        for row in order[block]:
            if row >= 0:
                count += 1
                for t in range(dim):
                    centre[t] += x[row, t]
        centre /= count
        for r in range(count):
            row = order[block, r]
            total = np.float32(0.0)
            for t in range(dim):
                value = np.float32(x[row, t] - centre[t])
                rows[block, t, r] = value
                total += value * value
            norms[block, r] = total


@njit(nogil=True, cache=True)
def _evaluate(panels: Any, state: Any, originals: Any, out: Any, span: Any) -> None:
    """Write, for blocks span[0]..span[1], the potential with each candidate added, and the lowered D² behind it."""
    rows, norms, centres, closest, weights, before = state
    lowered, potential = out
    dim = panels.shape[1]
    panel, bias = np.empty((dim, PANEL), np.float32), np.empty(PANEL, np.float32)
    for block in range(span[0], span[1]):
        radius, reach = np.sqrt(norms[block].max()), np.sqrt(closest[block].max())
        for number in range(panels.shape[0]):
            first = number * PANEL
            centre_panel(panels[number], centres[block], panel, bias)
            # ||x - c|| >= ||centre - c|| - ||x - centre||: beyond D everywhere, the candidate changes nothing here.
            if np.sqrt(bias.min()) * (1.0 - 1e-5) > radius * (1.0 + 1e-5) + reach:
                potential[block, first : first + PANEL] = before[block]
                continue
            new = lowered[block, first : first + PANEL]
            cancelled = lower_distances(rows[block], panel, bias, norms[block], closest[block], new)
            for k in range(PANEL):
                if cancelled > 0:
                    _directly(panels[number, :, k], originals, block, closest[block], new[k])
                potential[block, first + k] = _weighted(weights[block], new[k])


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz", "nnan"})
def _weighted(weights: Any, values: Any) -> float:
    total = 0.0
    for r in range(values.shape[0]):
        total += weights[r] * values[r]
    return total


@njit(nogil=True, cache=True)
def _directly(candidate: Any, originals: Any, block: int, closest: Any, out: Any) -> None:
    x, order = originals
    for r in range(out.shape[0]):
        row = order[block, r]
        if row >= 0:
            total = 0.0
            for t in range(x.shape[1]):
                difference = x[row, t] - candidate[t]
                total += difference * difference
            out[r] = min(closest[r], np.float32(total))
