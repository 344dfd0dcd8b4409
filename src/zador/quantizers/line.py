"""The best levels for numbers on a line: optimal partitions by dynamic programming, then Lloyd's algorithm to the end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MOST_LEVELS", "Line"]

MOST_LEVELS = 1 << 10
_ITERATIONS = 1000
# Numbers are first put together into groups: so many a level, and at least so many.
_GROUPS_PER_LEVEL, _LEAST_GROUPS = 8, 1 << 10


@dataclass(frozen=True, eq=False)
class Line:
    """Numbers, sorted.

    On a line the cells of an optimal quantizer are intervals, so the best partition into n of them follows from the best
    ones into n - 1 [wang2011ckmeans]. It is found on groups of neighbours, for every n at once; for the n that is wanted in
    the end, Lloyd's algorithm on all numbers moves the borders to where they belong within the groups.

    Attributes:
        sorted: (N,) float64, ascending.

    Example:
        >>> line = Line(np.array([0.0, 1.0, 10.0, 11.0]))
        >>> line.levels(2).tolist(), line.distortions(4).tolist()
        ([0.5, 10.5], [25.25, 0.25, 0.125, 0.0])
    """

    sorted: NDArray[np.float64]

    @cached_property
    def distinct(self) -> int:
        """How many of the numbers differ."""
        return 1 + int(np.count_nonzero(np.diff(self.sorted)))

    @property
    def most(self) -> int:
        """The most levels that make sense: one for each number that differs, up to 1024."""
        return min(self.distinct, MOST_LEVELS)

    def distortions(self, most: int) -> NDArray[np.float64]:
        """Return the mean squared errors of the best 1, 2, … `most` levels (most,); they never rise."""
        edges, sums = self._groups(most)
        best = _partition(*sums, min(most, len(edges) - 1))[0]
        falling = np.minimum.accumulate(np.maximum(best, 0.0))  # whatever rounding says
        return np.pad(falling, (0, most - len(best)), mode="edge") / len(self.sorted)

    def levels(self, count: int) -> NDArray[np.float64]:
        """Return `count` <= `most` ascending levels (count,): means of their cells, and cells of what is nearest to them."""
        edges, sums = self._groups(count)
        starts = _partition(*sums, count)[1]
        cuts = [len(edges) - 1]
        for line in starts[::-1]:
            cuts.append(int(line[cuts[-1]]))
        return self._lloyd(edges[cuts[::-1]])

    def _groups(self, most: int) -> tuple[NDArray[np.int64], tuple[NDArray[np.float64], ...]]:
        """Return where groups begin and end (M + 1,), and count, sum and squares of the centred numbers up to there."""
        x, number = self.sorted, max(_LEAST_GROUPS, _GROUPS_PER_LEVEL * most)
        if self.distinct <= number:
            values = x
        else:
            # Half of the groups hold equally many numbers; half are equally wide, for the tails.
            ranks = np.linspace(0, len(x) - 1, number // 2).astype(np.int64)
            values = np.concatenate([x[ranks], np.linspace(x[0], x[-1], number // 2)])
        edges = np.append(np.unique(np.searchsorted(x, values)), len(x))
        return edges, tuple(total[edges] for total in self._totals)

    @cached_property
    def _totals(self) -> tuple[NDArray[np.float64], ...]:
        centred = self.sorted - self.sorted.mean()
        return tuple(np.append(0.0, np.cumsum(part)) for part in (np.ones(len(centred)), centred, centred**2))

    def _lloyd(self, cuts: NDArray[np.int64]) -> NDArray[np.float64]:
        mean = float(self.sorted.mean())
        levels = np.diff(self._totals[1][cuts]) / np.diff(cuts)
        for _ in range(_ITERATIONS):
            # A number midway between two levels belongs to the lower one, as it does in the quantizer.
            moved = np.searchsorted(self.sorted, mean + 0.5 * (levels[1:] + levels[:-1]), side="right")
            moved = np.concatenate([[0], moved, [len(self.sorted)]])
            if (moved == cuts).all() or (np.diff(moved) == 0).any():
                break
            cuts = moved
            levels = np.diff(self._totals[1][cuts]) / np.diff(cuts)
        return mean + levels


@njit(nogil=True, cache=True)
def _partition(count: Any, total: Any, square: Any, most: int) -> Any:
    """Return the sums of squared errors of the best 1 … `most` cells, and where the last cell begins, for every prefix.

    The best beginning moves right as the prefix grows: prefixes are visited from coarse to fine, each between the beginnings
    of its neighbours, which takes O(M log M) a cell.
    """
    size = len(count) - 1
    starts = np.zeros((most, size + 1), np.int32)
    before, errors = np.empty(size + 1), np.empty(most)
    for end in range(size + 1):
        before[end] = square[end] - total[end] ** 2 / max(count[end], 1.0)
    errors[0] = before[size]
    coarsest = 1
    while 2 * coarsest <= size:
        coarsest *= 2
    for cells in range(1, most):
        here, begin = np.full(size + 1, np.inf), starts[cells]
        stride = coarsest
        while stride >= 1:
            for end in range(stride, size + 1, 2 * stride):
                if end <= cells:
                    continue
                first = max(cells, begin[end - stride])
                last = begin[end + stride] if end + stride <= size and end + stride > cells else end - 1
                for start in range(first, min(last, end - 1) + 1):
                    inside = total[end] - total[start]
                    error = before[start] + square[end] - square[start] - inside * inside / (count[end] - count[start])
                    if error < here[end]:
                        here[end], begin[end] = error, start
            stride //= 2
        before = here
        errors[cells] = here[size]
    return errors, starts
